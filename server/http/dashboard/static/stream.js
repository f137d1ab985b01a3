// SPDX-License-Identifier: GPL-3.0-or-later
// The stream of changes. All pages of a browser share one, because a browser opens at most six connections to a server.
// Run as a shared worker, this script has the stream and tells the pages. Run in a page, it offers both ways to follow.
"use strict";

const RETRY_MILLISECONDS = 5000;

// Opens the stream and passes messages to `tell`: { jobs }, the ids of changed jobs, or null if any may have changed;
// { connected }, whether the server answers. Returns a function that closes it.
function openStream(address, tell) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("changed", (event) => tell({ jobs: JSON.parse(event.data) }));
    source.onopen = () => tell({ connected: true });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) { tell({ connected: false }); return; }
      // Refused: too many streams are open, or the user is logged out.
      timer = setTimeout(() => { tell({ jobs: null }); open(); }, RETRY_MILLISECONDS);
    };
  };
  open();
  return () => { clearTimeout(timer); source.close(); };
}

// In a page: follows the stream of the browser's shared worker, or, in a browser without one, a stream of its own while
// the page is seen. The worker of a user has that user's name.
function followStream(address, user, tell) {
  const alone = () => {
    let close = null;
    const follow = () => {
      if (document.hidden === !close) return;
      if (document.hidden) { close(); close = null; } else close = openStream(address, tell);
    };
    document.addEventListener("visibilitychange", follow);
    follow();
  };
  if (!("SharedWorker" in window)) { alone(); return; }
  const share = () => {
    const worker = new SharedWorker(script, { name: user });
    worker.onerror = alone;
    worker.port.onmessage = (event) => tell(event.data);
    worker.port.postMessage({ address });
    addEventListener("pagehide", () => worker.port.postMessage({ leaves: true }), { once: true });
  };
  const script = document.querySelector("script[data-stream-script]").src;
  share();
  addEventListener("pageshow", (event) => { if (event.persisted) share(); });
}

// In the shared worker.
if ("SharedWorkerGlobalScope" in self) {
  const pages = new Set();
  let close = null;
  self.onconnect = ({ ports: [page] }) => {
    page.onmessage = ({ data }) => {
      if (data.leaves) {
        pages.delete(page);
        if (!pages.size) { close(); close = null; }
        return;
      }
      pages.add(page);
      if (close) page.postMessage({ jobs: null }); // it may have missed a change; a new stream begins with this message
      else close = openStream(data.address, (message) => { for (const one of pages) one.postMessage(message); });
    };
  };
}
