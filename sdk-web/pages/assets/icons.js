// Pictures, drawn in lines so that they take the colour of the text beside them.

const paths = {
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 20c.8-3.6 4-5.5 8-5.5s7.2 1.9 8 5.5',
  users: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19.5c.6-3 3.1-4.7 6.500-4.700s5.900 1.700 6.500 4.700M15.500 4.800a3.500 3.500 0 0 1 0 6.400M17.500 15c2.200.5 3.600 2.100 4 4.500',
  providers: 'M14.500 9.500a5 5 0 1 0-4.200 4.900L12 16h2v2h2v2h4v-3.500l-5.700-5.700c.1-.4.2-.9.2-1.300ZM8.500 8.500h.01',
  components: 'M12 3 4 7.200v9.600L12 21l8-4.200V7.200L12 3ZM4.300 7.300 12 11.500l7.700-4.200M12 11.500V21',
  failures: 'M12 4 2.800 19.500h18.400L12 4ZM12 10v4.500M12 17.200h.01',
  out: 'M14 4h5v16h-5M10 16l-4-4 4-4M6 12h10',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12ZM12 14.800a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600Z',
  hidden: 'M4 4l16 16M9.900 5.800A9 9 0 0 1 12 5.500c6 0 9.500 6.500 9.500 6.500a17 17 0 0 1-3 3.700M6.300 7.700A16 16 0 0 0 2.500 12S6 18.500 12 18.500c1.400 0 2.700-.3 3.800-.9M10 10a2.800 2.800 0 0 0 4 4',
  key: 'M14.500 9.500a5 5 0 1 0-4.200 4.900L12 16h2v2h2v2h4v-3.500l-5.700-5.700c.1-.4.2-.9.2-1.300ZM8.500 8.500h.01',
  building: 'M4 20V5l9-2v17M13 9h7v11M2.500 20h19M7.500 8.500h2M7.500 12h2M7.500 15.500h2M16 13h1.500M16 16.500h1.500',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c2.500 2.600 3.700 5.600 3.700 9S14.500 18.400 12 21c-2.500-2.600-3.700-5.600-3.700-9S9.500 5.600 12 3Z',
  shield: 'M12 3l7.500 3v5.500c0 4.500-3 7.900-7.500 9.500-4.500-1.600-7.500-5-7.500-9.500V6L12 3ZM9 12l2.200 2.200L15.500 10',
  cloud: 'M7 18.500a4.500 4.500 0 0 1-.5-9A6 6 0 0 1 18 8.700a5 5 0 0 1-.7 9.800H7Z',
  terminal: 'M3 5h18v14H3V5ZM7 10l3 2.500L7 15M12.500 15.500H17',
  lock: 'M5.500 10.500h13V20h-13v-9.500ZM8.500 10.500V8a3.500 3.500 0 0 1 7 0v2.500',
  desktop: 'M3 4.500h18v11.500H3V4.500ZM9 20h6M12 16v4',
  phone: 'M7 2.500h10v19H7v-19ZM11 18.500h2',
  book: 'M5 4h11.500A2.500 2.500 0 0 1 19 6.500V20H7.500A2.500 2.500 0 0 1 5 17.500V4ZM5 17.500A2.500 2.500 0 0 1 7.500 15H19',
  mail: 'M3 5.500h18v13H3v-13ZM3.500 6.500 12 13l8.500-6.500',
  done: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8 12.200l2.800 2.800L16 9.500',
};

/** Names that providers are given in a Directus, and what is drawn for them. */
const alike = {
  account_circle: 'account', person: 'account', group: 'users', vpn_key: 'key', fingerprint: 'shield', security: 'shield',
  verified_user: 'shield', business: 'building', domain: 'building', corporate_fare: 'building', public: 'globe', language: 'globe',
  cloud_queue: 'cloud', code: 'terminal', https: 'lock', login: 'lock', menu_book: 'book', email: 'mail', folder_shared: 'book',
};

const SVG = 'http://www.w3.org/2000/svg';

export const drawn = (name) => [name, alike[name]].find((each) => Object.hasOwn(paths, each));

export function icon(name) {
  const [picture, path] = ['svg', 'path'].map((kind) => document.createElementNS(SVG, kind));
  picture.setAttribute('viewBox', '0 0 24 24');
  picture.setAttribute('class', 'icon');
  picture.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', paths[name] ?? paths.key);
  picture.append(path);
  return picture;
}
