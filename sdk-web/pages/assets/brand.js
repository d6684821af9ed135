// The project's name, colour, logo and looks, as `/server/info` tells them. What was told last is shown at once, so that nothing
// changes under the reader's eyes the next time.
import { accents } from './colour.js';
import { at, make } from './dom.js';
import { keep, kept } from './kept.js';
import { root, segment } from './server.js';

const NAMES = ['project_name', 'project_descriptor', 'project_logo', 'project_color', 'default_appearance', 'public_background',
  'public_favicon', 'public_foreground', 'public_note', 'public_registration', 'public_registration_verify_email'];

/** The name that a project has when nobody has given it one. */
const UNNAMED = 'Directus';

/** How pictures of an operator's own folder may end. */
const KINDS = ['svg', 'png', 'webp', 'jpg'];

/** Where the picture of an id may be: at the Directus that shares this origin, or among the files of these pages. */
const places = (id) => [`assets/${segment(id)}`, ...KINDS.map((kind) => `admin/assets/${segment(id)}.${kind}`)].map((path) => new URL(path, root).href);

/** The picture of an id, as soon as it is there; `undefined` if there is none. */
async function picture(id) {
  for (const src of id ? places(id) : []) {
    const image = make('img', { alt: '', src });
    if (await image.decode().then(() => true, () => false)) return image;
  }
  return undefined;
}

/** Light or dark: the person's choice, else the one made here, else the project's, else the system's. */
export function appear(choice = kept('appearance')) {
  const wanted = ['light', 'dark'].includes(choice) ? choice : undefined;
  if (wanted) document.documentElement.dataset.appearance = wanted;
  else delete document.documentElement.dataset.appearance;
}

/** What stands for the project: its logo, or its first letter until that is there. */
async function mark(name, logo) {
  const place = at('mark');
  if (!place) return;
  place.classList.remove('pictured');
  place.replaceChildren([...name][0]?.toUpperCase() ?? '');
  const image = await picture(logo);
  if (!image) return;
  place.classList.add('pictured');
  place.replaceChildren(image);
}

async function surround({ public_favicon: favicon, public_background: background }) {
  const icon = await picture(favicon);
  if (icon) document.querySelector('link[rel=icon]').href = icon.src;
  const behind = document.body.classList.contains('gate') && (await picture(background));
  if (behind) document.body.style.backgroundImage = `url("${behind.src}")`;
}

function apply(project) {
  const style = document.documentElement.style;
  for (const [scheme, { accent, letters }] of Object.entries(accents(project.project_color) ?? {})) {
    style.setProperty(`--accent-${scheme}`, accent);
    style.setProperty(`--on-accent-${scheme}`, letters);
  }
  const name = project.project_name && project.project_name !== UNNAMED ? project.project_name : 'Gatewit';
  if (at('project')) at('project').textContent = name;
  if (at('descriptor')) at('descriptor').textContent = project.project_descriptor ?? '';
  mark(name, project.project_logo ?? project.public_foreground);
  surround(project);
  document.title = `${document.title.split(' · ')[0]} · ${name}`;
  appear(kept('appearance') ?? project.default_appearance);
}

/** Shows the project, and gives what there is to know of it. */
export async function brand() {
  const before = kept('project');
  if (before) apply(before);
  try {
    const response = await fetch(new URL('server/info', root), { credentials: 'omit' });
    const { project } = (await response.json()).data;
    const now = Object.fromEntries(NAMES.map((name) => [name, project[name] ?? null]));
    if (JSON.stringify(now) !== JSON.stringify(before)) {
      keep('project', now);
      apply(now);
    }
    return now;
  } catch {
    // Without it, the pages look like themselves; what matters is told when it matters.
    if (!before) apply({});
    return before ?? {};
  }
}
