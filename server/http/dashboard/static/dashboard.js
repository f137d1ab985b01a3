// SPDX-License-Identifier: GPL-3.0-or-later
// Updates an open page, and adds what forms and links alone cannot do. Every page works without this script.
"use strict";

const page = document.documentElement;
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

page.classList.add("scripted");

function say(text) {
  const toast = find("#toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.hidden = true; }, 8000);
}

// Times are shown in the reader's time zone.
function localize(root) {
  for (const time of all("time", root)) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    const day = today ? {} : { day: "numeric", month: "short" };
    time.textContent = moment.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
    time.title = moment.toLocaleString();
  }
}

// Live parts: when the server reports a change, the page is fetched again and its parts replace the current ones.
const shown = new Map();
let asking = false;
let again = false;

async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  do {
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname !== location.pathname) { location.assign(answer.url); return; }
      if (answer.status === 404) { location.assign("/"); return; }
      if (answer.ok) { replace(new DOMParser().parseFromString(await answer.text(), "text/html")); connected(true); }
    } catch { connected(false); }
    await new Promise((done) => setTimeout(done, 400));
  } while (again);
  asking = false;
}

function replace(fresh) {
  document.title = fresh.title;
  for (const part of all("[data-live]", fresh)) {
    const old = document.getElementById(part.id);
    const text = part.outerHTML;
    if (!old || shown.get(part.id) === text) continue;
    if (old.contains(document.activeElement) && document.activeElement.tagName === "SELECT") continue; // its menu may be open
    shown.set(part.id, text);
    const held = old.contains(document.activeElement) ? place(document.activeElement) : null;
    const scrolled = all(".film, .log", old).map((element) => [element.className, element.scrollLeft, element.scrollTop]);
    const chosen = find(".chosen .name", old)?.getAttribute("href");
    // Unchanged pictures are moved over, so that they do not flicker.
    for (const image of all("img", part)) {
      const same = all("img", old).find((one) => one.getAttribute("src") === image.getAttribute("src"));
      if (same) { same.alt = image.alt; image.replaceWith(same); }
    }
    old.replaceWith(part);
    localize(part);
    for (const [name, left, top] of scrolled) {
      const element = find(`.${name}`, part);
      if (element) { element.scrollLeft = left; element.scrollTop = top; }
    }
    if (chosen) all(".shot", part).find((row) => find(".name", row).getAttribute("href") === chosen)?.classList.add("chosen");
    if (held) all("a, button, select", part).find((element) => place(element) === held)?.focus({ preventScroll: true });
  }
  viewer?.update();
}

// Identifies a control among all others on the page.
function place(element) {
  return element.id || `${element.className} ${element.getAttribute("href") ?? element.dataset.frame ?? element.closest("form")?.action}`;
}

function connected(is) {
  find("#connection").textContent = is ? "" : "The server does not answer; trying again …";
}

function listen() {
  const { stream, user, job } = document.body.dataset;
  followStream(stream, user, (message) => {
    if ("connected" in message) connected(message.connected);
    else if (!message.jobs || !job || message.jobs.includes(job)) refresh();
  });
}

// Buttons act without leaving the page, and ask first if something would be lost.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || form.action.endsWith("/login") || form.action.endsWith("/logout")) return;
  event.preventDefault();
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/problem+json" }, redirect: "manual" });
    if (answer.type !== "opaqueredirect") say((await answer.json()).title);
    else if (form.action.endsWith("/delete")) { location.assign("/"); return; }
  } catch { connected(false); }
  refresh();
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-on-change]");
  if (form) { event.target.blur(); form.requestSubmit(); }
});

// A worker makes a film when it is asked for. The link is followed when it is ready, or if something is wrong.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-film]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = link.href;
  try {
    while ((await fetch(address, { method: "HEAD" })).status === 202) {
      say("The film is being made. Its download begins when it is ready.");
      await new Promise((done) => setTimeout(done, 1000));
    }
  } catch { connected(false); return; }
  location.assign(address);
});

// The pictures of a shot.
const viewer = find(".viewer") && (() => {
  const root = find(".viewer");
  const slider = find("#frame");
  const play = find("#play");
  const images = all("img[data-kind]", root);
  let playing = null;

  const at = () => all(".film button").findLast((button) => Number(button.dataset.frame) <= Number(slider.value));
  function show() {
    const drawing = at();
    if (!drawing) return;
    find("#frame-number").textContent = slider.value;
    for (const image of images) {
      // A drawing that is not colored yet is shown as line art, but faint.
      const absent = image.dataset.kind === "result" && !("done" in drawing.dataset);
      const source = image.src.replace(/[a-z]+\/-?\d+\.webp$/, `${absent ? "drawing" : image.dataset.kind}/${drawing.dataset.frame}.webp`);
      image.classList.toggle("absent", absent);
      if (image.src !== source) image.src = source;
      image.alt = `${image.closest("figure").textContent.trim()} of frame ${slider.value}${absent ? ", not colored yet" : ""}`;
      image.parentElement.href = source;
    }
    for (const button of all(".film [aria-current]")) button.removeAttribute("aria-current");
    drawing.setAttribute("aria-current", "true");
  }
  function step(by) {
    const drawings = all(".film button");
    const next = drawings[drawings.indexOf(at()) + by];
    if (next) { slider.value = next.dataset.frame; show(); follow(next); }
  }
  function follow(drawing) {
    const film = find(".film");
    film.scrollLeft = drawing.offsetLeft - film.offsetLeft - (film.clientWidth - drawing.offsetWidth) / 2;
  }
  function toggle() {
    if (playing) { clearInterval(playing); playing = null; play.textContent = "Play"; return; }
    play.textContent = "Stop";
    playing = setInterval(() => {
      if (images.some((image) => !image.complete)) return; // prefer a slow playback to missing frames
      slider.value = slider.value === slider.max ? slider.min : Number(slider.value) + 1;
      show();
    }, 1000 / Number(root.dataset.fps));
  }
  slider.addEventListener("input", () => { show(); follow(at()); });
  play.hidden = false;
  play.addEventListener("click", toggle);
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".film button");
    if (button) { slider.value = button.dataset.frame; show(); }
  });
  show();
  follow(at());
  return { update: show, step, toggle, end: (last) => { slider.value = last ? slider.max : slider.min; show(); follow(at()); } };
})();

// Dark and light: the system's setting, unless the user chooses another.
const theme = find("#theme");
const dark = () => (page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
function label() { theme.textContent = dark() ? "Light" : "Dark"; }
function flip() {
  page.dataset.theme = dark() ? "light" : "dark";
  localStorage.setItem("theme", page.dataset.theme);
  label();
}
if (localStorage.getItem("theme")) page.dataset.theme = localStorage.getItem("theme");
theme.hidden = false;
label();
theme.addEventListener("click", flip);
const help = find("#help");
help.hidden = false;
help.addEventListener("click", () => find("#keys").showModal());

// Keys.
function choose(by) {
  const rows = all(".shot");
  const now = rows.findIndex((row) => row.classList.contains("chosen"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, now + by))];
  if (!next) return;
  rows[now]?.classList.remove("chosen");
  next.classList.add("chosen");
  find(".name", next).focus();
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]") || event.target.matches("input:not([type=range]), select, textarea")) return;
  const keys = {
    j: () => choose(1), k: () => choose(-1), t: flip, u: () => location.assign("/"), "?": () => find("#keys").showModal(),
    ...(viewer && {
      ArrowLeft: () => viewer.step(-1), ArrowRight: () => viewer.step(1),
      Home: () => viewer.end(false), End: () => viewer.end(true),
      ...(!event.target.matches("button, a, summary") && { " ": viewer.toggle }),
    }),
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

localize(document);
for (const part of all("[data-live]")) shown.set(part.id, "");
if (document.body.dataset.stream) listen();
