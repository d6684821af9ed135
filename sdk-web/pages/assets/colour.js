// A project may have any colour; letters in it, and on it, can be read all the same (WCAG 2.2, 1.4.3). Pure.

/** What text has to have. */
const READABLE = 4.6;

const PAPERS = { light: [255, 255, 255], dark: [23, 27, 36] };
/** The grounds of badges and the chosen page lie nearer to the colour than paper does. */
const SOFTNESS = { light: 0.09, dark: 0.15 };

export function parse(text) {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})([0-9a-f]{2})?$/i.exec(text ?? '')?.[1];
  if (!digits) return undefined;
  const full = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  return [0, 2, 4].map((start) => parseInt(full.slice(start, start + 2), 16));
}

const written = (colour) => `#${colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

export function luminance(colour) {
  const [red, green, blue] = colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const mixed = (one, other, share) => one.map((part, index) => part + (other[index] - part) * share);

/** The colour, moved towards black or white until it can be read on this paper and on its own soft ground. */
function readable(colour, scheme) {
  const [paper, towards] = [PAPERS[scheme], scheme === 'light' ? [0, 0, 0] : [255, 255, 255]];
  for (let share = 0; share <= 1; share += 0.02) {
    const tried = mixed(colour, towards, share).map(Math.round);
    const soft = mixed(paper, tried, SOFTNESS[scheme] * 1.6);
    if (Math.min(contrast(tried, paper), contrast(tried, soft)) >= READABLE) return tried;
  }
  return towards;
}

/** What the pages use for a project's colour: in light and in dark, and letters on it. */
export function accents(text) {
  const colour = parse(text);
  if (!colour) return undefined;
  return Object.fromEntries(Object.keys(PAPERS).map((scheme) => {
    const accent = readable(colour, scheme);
    const letters = [[255, 255, 255], [16, 18, 28]].sort((a, b) => contrast(b, accent) - contrast(a, accent))[0];
    return [scheme, { accent: written(accent), letters: written(letters) }];
  }));
}
