// The project's name, colour, logo and looks, as `/server/info` tells them. What was told last is shown at once, so that nothing
// changes under the reader's eyes the next time.
import { accents } from './colour.js';
import { at, make } from './dom.js';
import { keep, kept } from './kept.js';
import { root } from './server.js';

const NAMES = ['project_name', 'project_descriptor', 'project_logo', 'project_color', 'default_appearance', 'public_background',
  'public_favicon', 'public_foreground', 'public_note', 'public_registration', 'public_registration_verify_email'];

/** The name that a project has when nobody has given it one. */
const UNNAMED = 'Directus';

/** The address of a picture: as it is, or a file of the Directus that shares this origin. */
function picture(value) {
  if (!value) return undefined;
  if (/^(https:|data:image\/|\/)/.test(value)) return value;
  return new URL(`assets/${encodeURIComponent(value)}`, root).href;
}

/** Light or dark: the person's choice, else the one made here, else the project's, else the system's. */
export function appear(choice = kept('appearance')) {
  const wanted = ['light', 'dark'].includes(choice) ? choice : undefined;
  if (wanted) document.documentElement.dataset.appearance = wanted;
  else delete document.documentElement.dataset.appearance;
}

function mark(name, logo) {
  const place = at('mark');
  if (!place) return;
  const letter = () => {
    place.classList.remove('pictured');
    place.replaceChildren([...name][0]?.toUpperCase() ?? '');
  };
  letter();
  if (!logo) return;
  const image = make('img', { alt: '', src: logo });
  image.addEventListener('error', letter);
  image.addEventListener('load', () => {
    place.classList.add('pictured');
    place.replaceChildren(image);
  });
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
  mark(name, picture(project.project_logo ?? project.public_foreground));
  const icon = picture(project.public_favicon);
  if (icon) document.querySelector('link[rel=icon]').href = icon;
  const background = document.body.classList.contains('gate') && picture(project.public_background);
  if (background) document.body.style.backgroundImage = `url("${background.replace(/["\\\n]/g, encodeURIComponent)}")`;
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
