// The words of the pages, in four languages. Each has the same names; a test compares them.

const texts = {
  en: {
    signIn: 'Sign in',
    signOut: 'Sign out',
    email: 'E-mail',
    identifier: 'User name',
    password: 'Password',
    otp: 'Code of your second factor, or a recovery code',
    forgotten: 'Forgotten your password?',
    providers: 'Other ways to sign in',
    with: 'Continue with {}',
    inside: 'You are signed in as {}.',
    somebody: 'somebody without an address',
    INVALID_CREDENTIALS: 'That did not work. Check what you entered.',
    INVALID_OTP: 'Enter the code of your second factor.',
    INVALID_PROVIDER: 'Your account signs in another way.',
    INVALID_TOKEN: 'Your sign-in took too long. Please try again.',
    TOKEN_EXPIRED: 'Your session has ended. Please sign in again.',
    USER_SUSPENDED: 'This account is suspended.',
    INVALID_IP: 'You cannot sign in from this network.',
    FORBIDDEN: 'You may not do that.',
    INVALID_PAYLOAD: 'Check what you entered.',
    SERVICE_UNAVAILABLE: 'Signing in is not possible for the moment. Please try again in a while.',
    REQUESTS_EXCEEDED: 'Too many tries. Please wait a moment.',
    NETWORK: 'The server cannot be reached. Check your connection.',
    left: 'You have signed out.',
    sent: 'If there is such an account, a letter is on its way to it.',
    other: 'Something went wrong ({}). Please try again.',
  },
  de: {
    signIn: 'Anmelden',
    signOut: 'Abmelden',
    email: 'E-Mail',
    identifier: 'Benutzername',
    password: 'Passwort',
    otp: 'Code des zweiten Faktors oder ein Wiederherstellungscode',
    forgotten: 'Passwort vergessen?',
    providers: 'Andere Wege zur Anmeldung',
    with: 'Weiter mit {}',
    inside: 'Sie sind angemeldet als {}.',
    somebody: 'jemand ohne Adresse',
    INVALID_CREDENTIALS: 'Das hat nicht geklappt. Prüfen Sie Ihre Eingaben.',
    INVALID_OTP: 'Geben Sie den Code Ihres zweiten Faktors ein.',
    INVALID_PROVIDER: 'Dieses Konto meldet sich auf einem anderen Weg an.',
    INVALID_TOKEN: 'Die Anmeldung hat zu lange gedauert. Bitte versuchen Sie es noch einmal.',
    TOKEN_EXPIRED: 'Ihre Sitzung ist zu Ende. Bitte melden Sie sich wieder an.',
    USER_SUSPENDED: 'Dieses Konto ist gesperrt.',
    INVALID_IP: 'Aus diesem Netz können Sie sich nicht anmelden.',
    FORBIDDEN: 'Das dürfen Sie nicht.',
    INVALID_PAYLOAD: 'Prüfen Sie Ihre Eingaben.',
    SERVICE_UNAVAILABLE: 'Die Anmeldung ist gerade nicht möglich. Bitte versuchen Sie es später noch einmal.',
    REQUESTS_EXCEEDED: 'Zu viele Versuche. Bitte warten Sie einen Moment.',
    NETWORK: 'Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung.',
    left: 'Sie haben sich abgemeldet.',
    sent: 'Wenn es dieses Konto gibt, ist ein Brief dorthin unterwegs.',
    other: 'Etwas ist schiefgegangen ({}). Bitte versuchen Sie es noch einmal.',
  },
  fr: {
    signIn: 'Se connecter',
    signOut: 'Se déconnecter',
    email: 'Adresse e-mail',
    identifier: 'Nom d’utilisateur',
    password: 'Mot de passe',
    otp: 'Code du second facteur, ou code de récupération',
    forgotten: 'Mot de passe oublié ?',
    providers: 'Autres moyens de se connecter',
    with: 'Continuer avec {}',
    inside: 'Vous êtes connecté en tant que {}.',
    somebody: 'quelqu’un sans adresse',
    INVALID_CREDENTIALS: 'Cela n’a pas fonctionné. Vérifiez votre saisie.',
    INVALID_OTP: 'Saisissez le code de votre second facteur.',
    INVALID_PROVIDER: 'Ce compte se connecte autrement.',
    INVALID_TOKEN: 'La connexion a pris trop de temps. Veuillez réessayer.',
    TOKEN_EXPIRED: 'Votre session est terminée. Veuillez vous reconnecter.',
    USER_SUSPENDED: 'Ce compte est suspendu.',
    INVALID_IP: 'Vous ne pouvez pas vous connecter depuis ce réseau.',
    FORBIDDEN: 'Vous n’en avez pas le droit.',
    INVALID_PAYLOAD: 'Vérifiez votre saisie.',
    SERVICE_UNAVAILABLE: 'La connexion est impossible pour le moment. Veuillez réessayer plus tard.',
    REQUESTS_EXCEEDED: 'Trop de tentatives. Veuillez patienter un instant.',
    NETWORK: 'Le serveur est injoignable. Vérifiez votre connexion.',
    left: 'Vous êtes déconnecté.',
    sent: 'Si ce compte existe, un message lui a été envoyé.',
    other: 'Une erreur s’est produite ({}). Veuillez réessayer.',
  },
  es: {
    signIn: 'Iniciar sesión',
    signOut: 'Cerrar sesión',
    email: 'Correo electrónico',
    identifier: 'Nombre de usuario',
    password: 'Contraseña',
    otp: 'Código del segundo factor o de recuperación',
    forgotten: '¿Ha olvidado su contraseña?',
    providers: 'Otras formas de iniciar sesión',
    with: 'Continuar con {}',
    inside: 'Ha iniciado sesión como {}.',
    somebody: 'alguien sin dirección',
    INVALID_CREDENTIALS: 'No ha funcionado. Revise los datos.',
    INVALID_OTP: 'Introduzca el código de su segundo factor.',
    INVALID_PROVIDER: 'Esta cuenta inicia sesión de otra forma.',
    INVALID_TOKEN: 'El inicio de sesión ha tardado demasiado. Inténtelo de nuevo.',
    TOKEN_EXPIRED: 'Su sesión ha terminado. Inicie sesión de nuevo.',
    USER_SUSPENDED: 'Esta cuenta está suspendida.',
    INVALID_IP: 'No puede iniciar sesión desde esta red.',
    FORBIDDEN: 'No tiene permiso para hacerlo.',
    INVALID_PAYLOAD: 'Revise los datos.',
    SERVICE_UNAVAILABLE: 'Ahora no es posible iniciar sesión. Inténtelo más tarde.',
    REQUESTS_EXCEEDED: 'Demasiados intentos. Espere un momento.',
    NETWORK: 'No se puede acceder al servidor. Compruebe su conexión.',
    left: 'Ha cerrado la sesión.',
    sent: 'Si existe esa cuenta, se le ha enviado un mensaje.',
    other: 'Algo ha fallado ({}). Inténtelo de nuevo.',
  },
};

/** Codes that mean the same to a person. */
const alike = {
  TIMEOUT: 'NETWORK',
  INVALID_ANSWER: 'SERVICE_UNAVAILABLE',
  INVALID_PROVIDER_CONFIG: 'SERVICE_UNAVAILABLE',
  INTERNAL_SERVER_ERROR: 'SERVICE_UNAVAILABLE',
  UNEXPECTED_RESPONSE: 'SERVICE_UNAVAILABLE',
  SIGNED_OUT: 'TOKEN_EXPIRED',
};

/** The language of a reader who prefers these, the first one that there is. */
export const languageOf = (preferred) =>
  preferred.map((language) => language.slice(0, 2).toLowerCase()).find((language) => language in texts) ?? 'en';

export const language = languageOf(globalThis.navigator?.languages ?? []);

/** A text, with what is to be put into it. */
export const say = (name, inside = '') => texts[language][name].replace('{}', inside);

/** What to tell a person of an error. */
export function explain(code) {
  const name = alike[code] ?? code;
  return name in texts[language] ? say(name) : say('other', code);
}

/** Puts the words of the reader's language into the page. */
export function translate(page) {
  page.documentElement.lang = language;
  for (const element of page.querySelectorAll('[data-text]')) element.textContent = say(element.dataset.text);
  for (const element of page.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
  page.title = say('signIn');
}

export { texts };
