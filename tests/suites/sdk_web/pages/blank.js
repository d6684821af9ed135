// The package as it is, by a plain module script.
window.sdk = import('/gatewit/index.js').then((sdk) => {
  window.AuthErrorName = sdk.AuthError.name;
  return sdk;
});
