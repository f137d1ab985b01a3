// SPDX-License-Identifier: GPL-3.0-or-later
// Writes one JSON line a picture: {seed, svg}; a seed's pictures show one head with several faces.
// Usage: node heads.mjs COUNT
import { createRequire } from 'node:module';
import { generate, faceToSvgString } from 'facesjs';

const require = createRequire(import.meta.url);
const { createElement } = require('react');
const { renderToStaticMarkup } = require('react-dom/server');
const bigHeads = require('@bigheads/core');

const FACES = 4;

// Park and Miller's generator, so that the heads are the same every time.
const random = (seed) => {
  let state = (seed * 48271 + 11) % 2147483647;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
};
const write = (seed, svg) => process.stdout.write(`${JSON.stringify({ seed, svg })}\n`);

const count = Number(process.argv[2]);
for (let number = 0; number < count; number++) {
  const next = random(number + 1);
  const some = (list) => list[Math.floor(next() * list.length)];
  const choose = (map) => some(Object.keys(map));
  const maybe = (map) => (next() < 0.35 ? choose(map) : 'none');

  Math.random = next; // facesjs has no seed of its own
  const face = generate();
  for (let change = 0; change < FACES; change++) {
    const { eye, eyebrow, mouth } = generate();
    write(`faces-${number}`, faceToSvgString(change ? { ...face, eye, eyebrow, mouth } : face));
  }

  const { colors } = bigHeads.theme;
  const head = {
    accessory: maybe(bigHeads.accessoryMap),
    body: choose(bigHeads.bodyMap),
    clothing: choose(bigHeads.clothingMap),
    clothingColor: choose(colors.clothing),
    facialHair: maybe(bigHeads.facialHairMap),
    graphic: maybe(bigHeads.graphicsMap),
    hair: choose(bigHeads.hairMap),
    hairColor: choose(colors.hair),
    hat: maybe(bigHeads.hatMap),
    hatColor: choose(colors.clothing),
    lipColor: choose(colors.lipColors),
    skinTone: choose(colors.skin),
    lashes: next() < 0.5,
    mask: false,
  };
  for (let change = 0; change < FACES; change++) {
    const look = {
      eyebrows: choose(bigHeads.eyebrowsMap),
      eyes: choose(bigHeads.eyesMap),
      mouth: choose(bigHeads.mouthsMap),
    };
    write(`bigheads-${number}`, renderToStaticMarkup(createElement(bigHeads.BigHead, { ...head, ...look })));
  }
}
