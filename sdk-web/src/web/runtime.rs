//! What the module needs in place of the standard library: memory, and a way to fail.

#[global_allocator]
static MEMORY: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A panic is a trap, which JavaScript sees as a `RuntimeError`. Printing it would cost more than all the rest.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    ::core::arch::wasm32::unreachable()
}
