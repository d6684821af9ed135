import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { client, useSession } from './session.js';

function SignIn({ run, act, factor }) {
  const [providers, setProviders] = useState([]);
  useEffect(() => {
    run(async () => setProviders((await client.providers()).providers));
  }, []);
  const submit = (event) => {
    event.preventDefault();
    const { email, password, otp } = Object.fromEntries(new FormData(event.target));
    act(() => client.login({ email, password }, otp ? { otp } : {}));
  };
  return (
    <main>
      <h1>Sign in</h1>
      <form onSubmit={submit}>
        <p><label>E-mail <input name="email" type="email" autoComplete="username" required /></label></p>
        <p><label>Password <input name="password" type="password" autoComplete="current-password" required /></label></p>
        {factor && <p><label>Code <input name="otp" inputMode="numeric" autoComplete="one-time-code" /></label></p>}
        <p><button>Sign in</button></p>
      </form>
      <p>
        {providers.map(({ name, label }) => (
          <button key={name} onClick={() => act(() => client.signInWith(name))}>{label}</button>
        ))}
      </p>
    </main>
  );
}

function Hello({ run, act }) {
  const [me, setMe] = useState();
  useEffect(() => {
    run(async () => setMe(await client.me({ fields: ['email', 'first_name'] })));
  }, []);
  return (
    <main>
      <h1>Hello, {me && (me.first_name ?? me.email ?? 'you')}</h1>
      <p><button onClick={() => act(() => client.logout())}>Sign out</button></p>
    </main>
  );
}

function App() {
  const session = useSession();
  const [error, setError] = useState('');
  const run = async (work) => {
    try {
      await work();
    } catch ({ code }) {
      setError(code);
    }
  };
  const act = (work) => {
    setError('');
    return run(work);
  };
  useEffect(() => {
    run(() => client.handleRedirect()).then(() => run(() => client.session()));
  }, []);
  if (session === undefined) return <p role="alert">{error}</p>;
  return (
    <>
      {session ? <Hello run={run} act={act} /> : <SignIn run={run} act={act} factor={error === 'INVALID_OTP'} />}
      <p role="alert">{error}</p>
    </>
  );
}

createRoot(document.getElementById('app')).render(<App />);
