// The words of the pages, in the language that was chosen here, or else the first that the browser prefers and that there is.
// Each language is a file of its own, and its words for administrators another, so that nobody loads what they do not read.
import { keep, kept } from './kept.js';

export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español' };

/** The first of these that there is: `de-AT` is `de`. */
export const languageOf = (preferred) =>
  preferred.map((language) => String(language).slice(0, 2).toLowerCase()).find((language) => Object.hasOwn(LANGUAGES, language));

export const chosen = () => languageOf([kept('language')]);

/** Remembers a choice; `null` for the browser's. */
export const choose = (language) => keep('language', language);

export const language = chosen() ?? languageOf(navigator.languages) ?? 'en';

// By whole addresses: what joins files must not join these.
const load = async (name) => (await import(new URL(`text/${name}.js`, import.meta.url))).default;

const words = { ...(await load(language)) };

/** Loads further words. */
export const learn = async (part) => Object.assign(words, await load(`${language}-${part}`));

/** A text, with what is to be put into its braces. */
export const say = (name, ...inside) => {
  const left = [...inside];
  return (words[name] ?? name).replaceAll('{}', () => left.shift() ?? '');
};

export const knows = (name) => Object.hasOwn(words, name);

/** Puts the words into the page. */
export function translate(page = document) {
  document.documentElement.lang = language;
  for (const element of page.querySelectorAll('[data-text]')) element.textContent = say(element.dataset.text);
  for (const element of page.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
}

/** A time for people. */
export function when(at, style = { dateStyle: 'medium', timeStyle: 'short' }) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '' : new Intl.DateTimeFormat(navigator.languages.find((each) => each.startsWith(language)) ?? language, style).format(time);
}

/** How long ago, or in how long. */
export function ago(at) {
  const seconds = (new Date(at).getTime() - Date.now()) / 1000;
  const [size, unit] = [[86_400, 'day'], [3_600, 'hour'], [60, 'minute']].find(([size]) => Math.abs(seconds) >= size) ?? [1, 'second'];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}
