// What the pages outside share: the project, the choice of a language, and one place where things are told.
import { appear, brand } from './brand.js';
import { at, make, secret } from './dom.js';
import { run, tell } from './notice.js';
import { LANGUAGES, choose, language, say, translate } from './text.js';

export function languages() {
  const select = make('select', { 'aria-label': say('language') }, Object.entries(LANGUAGES).map(([key, name]) => make('option', { value: key, selected: key === language, lang: key }, name)));
  select.addEventListener('change', () => {
    choose(select.value);
    location.reload();
  });
  return select;
}

/**
 * Makes the page ready; what there is to know of the project. Its buttons wait for this: a form that nobody listens to yet would
 * send passwords by itself. The caller listens before it awaits anything. `method="dialog"` has even `submit()` send nothing.
 */
export function enter() {
  appear();
  translate();
  document.title = say(document.querySelector('h1').dataset.text ?? 'signIn');
  at('languages').replaceChildren(languages());
  for (const input of document.querySelectorAll('input[type=password]')) secret(input);
  for (const button of document.querySelectorAll('button:disabled')) button.disabled = false;
  return brand();
}

export const told = (text, good) => tell(at('told'), text, good);

/** Handles a form: what it sends, with its button busy. */
export function handle(form, work, words) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector('button.primary');
    run(() => work(Object.fromEntries(new FormData(form)), button), { button, place: at('told'), words });
  });
}

/** Says under which heading the page is now, and takes the reader there. */
export function head(name) {
  const heading = document.querySelector('h1');
  heading.textContent = say(name);
  heading.dataset.text = name;
  document.title = [say(name), ...document.title.split(' · ').slice(1)].join(' · ');
}
