//! A defect of an encoder, for tests.

use std::cell::Cell;

thread_local! {
    static AFTER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Has the encoders of this thread make one wrong byte, `after` so many right ones.
pub(crate) fn strike_after(after: usize) {
    AFTER.set(Some(after));
}

/// Takes what an encoder of this thread made, and spoils it when its time has come.
pub(super) fn strike(encoded: &mut [u8]) {
    let left = AFTER.take().and_then(|after| match encoded.get_mut(after) {
        Some(byte) => {
            *byte ^= 0x10;
            None
        }
        None => Some(after - encoded.len()),
    });
    AFTER.set(left);
}
