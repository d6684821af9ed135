// Where the letter about a forgotten password leads.
import { letter } from './letter.js';
import { client } from './server.js';

letter((token, password) => client.resetPassword(token, password), { finished: 'passwordSaved', title: 'passwordSavedTitle' });
