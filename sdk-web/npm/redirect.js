// Sign-in at a provider: away and back, in this window or in one of its own.
//
// A window of its own says on a `BroadcastChannel` that it is back. Not by `window.opener`: pages with
// `Cross-Origin-Opener-Policy` have none.
import { AuthError, failed } from './error.js';
import { codeOf } from './module.js';

/** The parameter by which a page knows that it was come back to, and for which window. */
const FLOW = 'gatewit';
/** The parameter by which a server says why a sign-in failed. */
const REASON = 'reason';
/** The name of the flow in which the same window comes back. */
const SAME_WINDOW = 'back';
/** How often it is looked whether the window is still there, in milliseconds. */
const LOOK = 250;

const channel = (flow) => new BroadcastChannel(`gatewit:${flow}`);

/** The error for what a server gave as the reason. */
export const refused = (reason) =>
  new AuthError({
    code: codeOf(0, reason),
    message: 'the sign-in at the provider failed',
    extensions: { code: reason, reason },
  });

/** The address of this page without what a redirect added. */
function here() {
  const address = new URL(location.href);
  for (const name of [FLOW, REASON]) if (address.searchParams.has(name)) address.searchParams.delete(name);
  return address;
}

function address(url, provider, flow, { redirect, otp }) {
  const back = redirect ? new URL(redirect, location.href) : here();
  back.searchParams.set(FLOW, flow);
  // A path where the page is the server's own: the server may be reached by another name than it has for itself.
  const own = back.origin === new URL(url).origin;
  const query = new URLSearchParams({ redirect: own ? back.href.slice(back.origin.length) : back.href });
  if (otp) query.set('otp', otp);
  return `${url}/auth/login/${encodeURIComponent(provider)}?${query}`;
}

/** Leaves for the provider. The page is gone in a moment. */
export const leave = (url, provider, options) => location.assign(address(url, provider, SAME_WINDOW, options));

/** Opens a window for it; at once, because browsers let windows open while they handle a click, and not later. */
export function open(url, provider, options) {
  const flow = Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 8)).join('');
  const heard = channel(flow);
  const opened = window.open(address(url, provider, flow, options), flow, options.features ?? 'popup,width=480,height=640');
  if (!opened) heard.close();
  return opened && { opened, heard };
}

/** Waits until it is back; the reason why there is no session, or `null`. */
export function comeBack({ opened, heard }, { msClosed = 3000 } = {}) {
  return new Promise((resolve, reject) => {
    let goneSince;
    // A page with `Cross-Origin-Opener-Policy` sees every window that has left its origin as closed. So being closed means
    // something only if the person is here again, and stays.
    const look = setInterval(() => {
      if (!opened.closed || !document.hasFocus()) goneSince = undefined;
      else if (Date.now() - (goneSince ??= Date.now()) >= msClosed) end(() => reject(failed('POPUP_CLOSED', 'the window was closed')));
    }, LOOK);
    const end = (then) => {
      clearInterval(look);
      heard.close();
      then();
    };
    heard.onmessage = ({ data: { reason } }) => end(() => resolve(reason));
  });
}

/**
 * What this page was come back to with in the same window: `undefined` if it was not, else the reason why there is no session, or
 * `null`. Takes the traces from its address. The window of another page tells that one, and closes.
 */
export function returned() {
  const parameters = new URLSearchParams(globalThis.location?.search);
  const [flow, reason] = [FLOW, REASON].map((name) => parameters.get(name));
  // Without the name of a flow it may be the app's own parameter; codes are written in capitals.
  if (!flow && !/^[A-Z_]+$/.test(reason)) return undefined;
  history.replaceState(history.state, '', here());
  if (flow && flow !== SAME_WINDOW) {
    const told = channel(flow);
    told.postMessage({ reason });
    told.close();
    close();
    return undefined;
  }
  return reason;
}
