// SPDX-License-Identifier: GPL-3.0-or-later
// Writes one JSON line a picture: {style, seed, svg}; a seed's pictures show one head with several faces, the
// second one with its eyes shut where the style has such eyes. Usage: node avatars.mjs COUNT STYLE...
import { createAvatar } from '@dicebear/core';
import * as collection from '@dicebear/collection';

const SHUT = /clos|sleep|wink|smiling|happy/i;
const EYES = ['eyes', 'mood', 'face'];
const MOUTH = ['mouth', 'lips', 'mood', 'face'];

const [count, ...styles] = process.argv.slice(2);
for (const name of styles) {
  const style = collection[name];
  const choices = (parts) => {
    const part = parts.find((one) => style.schema.properties[one]?.items?.enum);
    return style.schema.properties[part].items.enum.map((choice) => ({ [part]: [choice] }));
  };
  const shut = choices(EYES).filter((change) => SHUT.test(Object.values(change)[0]));
  const eyes = shut.length ? shut : choices(EYES);
  const mouths = choices(MOUTH);
  for (let number = 0; number < Number(count); number++) {
    const seed = `${name}-${number}`;
    const nth = (list, step) => list[(number * 5 + step) % list.length];
    for (const change of [{}, nth(eyes, 1), nth(mouths, 2), nth(mouths, 5)]) {
      const svg = createAvatar(style, { seed, backgroundColor: ['transparent'], ...change }).toString();
      process.stdout.write(`${JSON.stringify({ style: name, seed, svg })}\n`);
    }
  }
}
