// The table: every variant of an access token that is judged by us, by jose and by PyJWT.

import { keyRows } from './keys.js';
import { signatureRows } from './signatures.js';
import { headerRows } from './headers.js';
import { encodingRows } from './encoding.js';
import { timeRows } from './times.js';
import { nameRows } from './names.js';
import { claimRows } from './claims.js';

export const VARIANTS = [
  ...signatureRows, ...keyRows, ...headerRows, ...encodingRows, ...timeRows, ...nameRows, ...claimRows,
];

/** Makes every token; each speaks for a subject of its own, so that an answer about another one is noticed. */
export async function makeAll(maker) {
  const made = [];
  for (const [index, row] of VARIANTS.entries()) {
    maker.subject = `alice-${index}`;
    made.push({ ...row, token: await row.make(maker) });
  }
  return made;
}
