// What a browser calls itself, for people. Pure: a guess in words that they know, and nothing is decided by it.

const BROWSERS = [[/\bEdgA?\/|\bEdgiOS\//, 'Edge'], [/\bOPR\/|\bOpera/, 'Opera'], [/\bVivaldi\//, 'Vivaldi'], [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'], [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, 'Chrome'], [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'], [/^node|undici/i, 'Node'], [/^gatewit/i, 'gatewit'], [/python/i, 'Python']];
const SYSTEMS = [[/\biPhone\b/, 'iPhone'], [/\biPad\b/, 'iPad'], [/\bAndroid\b/, 'Android'], [/\bWindows\b/, 'Windows'], [/\bMac OS X|Macintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'], [/\bLinux\b/, 'Linux']];

const found = (list, text) => list.find(([pattern]) => pattern.test(text))?.[1];

/** Its parts: `browser`, `system`, and whether it is held in a hand. */
export function device(agent) {
  const text = agent ?? '';
  const system = found(SYSTEMS, text);
  return { browser: found(BROWSERS, text), system, mobile: ['iPhone', 'iPad', 'Android'].includes(system) };
}
