// Elements, made in one line each. Text stays text: there is no way to put markup in.
import { icon } from './icons.js';
import { say } from './text.js';

export const at = (id) => document.getElementById(id);

/** An element. `on…` are listeners, what an element has as a property is set as such, everything else is an attribute. */
export function make(kind, properties = {}, ...children) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name in element && name !== 'list' && name !== 'form') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

let count = 0;

/** An input with its label, and what helps to fill it in. `control` is the input. */
export function field({ label, hint, control, ...properties }) {
  const id = properties.id ?? `field-${(count += 1)}`;
  const input = control ?? make('input', { ...properties, id });
  input.id = id;
  const help = hint && make('p', { class: 'hint', id: `${id}-hint` }, hint);
  if (help) input.setAttribute('aria-describedby', help.id);
  const shown = properties.type === 'password' ? secret(input) : input;
  const wrap = make('div', { class: 'field' }, make('label', { htmlFor: id }, label), shown, help);
  return { wrap, input };
}

export function check({ label, hint, ...properties }) {
  const input = make('input', { type: 'checkbox', ...properties });
  const wrap = make('div', { class: 'field' }, make('label', { class: 'check' }, input, label), hint && make('p', { class: 'hint' }, hint));
  return { wrap, input };
}

export function choice({ label, hint, options, value, ...properties }) {
  const control = make('select', properties, options.map(([key, text]) => make('option', { value: key, selected: key === value }, text)));
  return field({ label, hint, control });
}

/** A password that can be looked at. */
export function secret(input) {
  const toggle = make('button', {
    type: 'button',
    'aria-label': say('showPassword'),
    'aria-pressed': 'false',
    onclick: () => {
      const shown = input.type === 'password';
      input.type = shown ? 'text' : 'password';
      toggle.setAttribute('aria-pressed', String(shown));
      toggle.replaceChildren(icon(shown ? 'hidden' : 'eye'));
    },
  }, icon('eye'));
  const place = make('div', { class: 'secret' });
  // One that is in the page already keeps its place.
  input.replaceWith(place);
  place.append(input, toggle);
  return place;
}

export const button = (label, onclick, properties = {}) => make('button', { type: 'button', onclick, ...properties }, label);

/** Takes what is there away and puts this in. */
export const show = (place, ...children) => place.replaceChildren(...children.flat(Infinity).filter(Boolean));
