//! What a component without the standard library needs: memory and a way to fail.
//!
//! The standard library would import a good part of WASI (environment, streams, clocks) into every component, only to
//! print a panic. Without it a component imports exactly what its world says. Absent: everything else; native builds
//! of this crate are empty.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "an allocator and the ABI's entry to it are unsafe by nature")]
mod memory {
    extern crate alloc;

    use alloc::alloc::{Layout, alloc, realloc};

    #[global_allocator]
    static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

    // memcpy and its kin.
    #[link(name = "c")]
    unsafe extern "C" {}

    /// How the canonical ABI allocates what the host hands in (component model, `CanonicalABI.md`, `realloc`).
    #[unsafe(no_mangle)]
    unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
        if new_len == 0 {
            return core::ptr::without_provenance_mut(align);
        }
        // SAFETY: the ABI promises that `old`, if any, came from here with `old_len` and `align`, a power of two.
        let block = unsafe {
            if old_len == 0 {
                alloc(Layout::from_size_align_unchecked(new_len, align))
            } else {
                realloc(old, Layout::from_size_align_unchecked(old_len, align), new_len)
            }
        };
        if block.is_null() {
            core::arch::wasm32::unreachable()
        }
        block
    }

    /// A panic is a trap: the host fails this one call and names the component.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}
