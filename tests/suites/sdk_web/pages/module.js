// Runs one test of the module, as the runner of `wasm-bindgen-cli` does in its page.
window.__wbg_test_invoke = (work) => work();

window.run = async (name) => {
  const { default: start, WasmBindgenTestContext: Context } = await import('/module/tests.js');
  const module = await start({ module_or_path: '/module/tests_bg.wasm' });
  return new Context(false).run([module[name]]);
};
