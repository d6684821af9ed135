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
    use core::{
        alloc::GlobalAlloc,
        arch::wasm32::{memory_grow, memory_size, unreachable},
        cell::Cell,
        ptr::null_mut,
    };

    /// Bytes of a page of linear memory.
    const PAGE: usize = 65536;

    /// Memory for an instance that serves one call and is gone: blocks lie one behind the other, and only the last one
    /// can grow or be given back. It starts with the memory that the module was linked with, because growing costs a
    /// system call, and asks for more when that is used up.
    struct OneCall {
        /// Where the next block may begin; 0 before the first.
        next: Cell<usize>,
    }

    // SAFETY: components have one thread.
    unsafe impl Sync for OneCall {}

    #[global_allocator]
    static MEMORY: OneCall = OneCall { next: Cell::new(0) };

    unsafe extern "C" {
        /// Where the linker left off.
        static __heap_base: u8;
    }

    impl OneCall {
        /// Takes everything up to `end`, if there is so much memory.
        fn take(&self, end: Option<usize>) -> bool {
            let Some(end) = end else { return false };
            let available = memory_size::<0>() * PAGE;
            if end > available && memory_grow::<0>((end - available).div_ceil(PAGE)) == usize::MAX {
                return false;
            }
            self.next.set(end);
            true
        }
    }

    // SAFETY: blocks are disjoint, aligned as asked, and inside of linear memory; see `take`.
    unsafe impl GlobalAlloc for OneCall {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let from = match self.next.get() {
                0 => (&raw const __heap_base).addr(),
                next => next,
            };
            let start = from.next_multiple_of(layout.align());
            if self.take(start.checked_add(layout.size())) {
                core::ptr::with_exposed_provenance_mut(start)
            } else {
                null_mut()
            }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            if block.addr() + layout.size() == self.next.get() {
                self.next.set(block.addr());
            }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
            if block.addr() + layout.size() == self.next.get() {
                let taken = self.take(block.addr().checked_add(new_size));
                return if taken { block } else { null_mut() };
            }
            if new_size <= layout.size() {
                return block;
            }
            // SAFETY: the caller's promises are those of `alloc`; the blocks do not overlap.
            unsafe {
                let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                if !moved.is_null() {
                    core::ptr::copy_nonoverlapping(block, moved, layout.size());
                }
                moved
            }
        }
    }

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
            unreachable()
        }
        block
    }

    /// A panic is a trap: the host fails this one call and names the component.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        unreachable()
    }
}
