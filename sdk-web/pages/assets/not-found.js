// Where there is no page: the way to one that there is.
import { at } from './dom.js';
import { enter } from './gate.js';
import { page } from './server.js';

enter();
at('onward').href = page('login');
