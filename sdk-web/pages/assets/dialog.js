// Questions in front of the page. The browser keeps the keyboard in them, and gives it back.
import { button, make } from './dom.js';
import { run, tell } from './notice.js';
import { say } from './text.js';

let count = 0;

/** Opens a dialog with these contents; `end` closes it. */
export function dialog(title, fill) {
  const id = `dialog-${(count += 1)}`;
  const box = make('dialog', { 'aria-labelledby': id });
  const end = () => box.close();
  const stack = make('div', { class: 'stack' }, make('h2', { id, tabIndex: -1 }, title));
  stack.append(...[fill(end)].flat().filter(Boolean));
  box.append(stack);
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** Asks whether something is to be done, and does it. */
export function confirm({ title, text, label, danger = true, all = true }, work) {
  return dialog(title, (end) => {
    const place = make('div', { class: 'told', role: 'alert' });
    const yes = button(label, () => run(async () => {
      await work();
      end();
    }, { button: yes, place, all }), { class: danger ? 'danger' : 'primary' });
    return [make('p', {}, text), place, make('div', { class: 'row end' }, button(say('cancel'), end), yes)];
  });
}

/** A form in a dialog. `save` gets its fields; what it throws is told, and the dialog stays. */
export function formDialog({ title, label, all = true }, contents, save) {
  return dialog(title, (end) => {
    const place = make('div', { class: 'told', role: 'alert' });
    const yes = make('button', { class: 'primary' }, label);
    const form = make('form', {}, contents, place, make('div', { class: 'row end' }, button(say('cancel'), end), yes));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      run(async () => {
        await save(form, (text) => tell(place, text));
        end();
      }, { button: yes, place, all });
    });
    return form;
  });
}
