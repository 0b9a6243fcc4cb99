//! The mask over the payload of each frame that a client sends.

/// The key that a payload was masked with, at some position of the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Applies the mask to the next bytes of the payload. To apply it twice restores them.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for bytes in words {
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.into_iter().cycle()) {
            *byte ^= key;
        }
        // The next bytes may begin at any byte of the key.
        self.0.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_masked_with_its_byte_of_the_key_however_the_payload_is_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let payload: Vec<u8> = (0..=40).collect();
        let expected: Vec<u8> = payload.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]).collect();
        for first in 0..=payload.len() {
            for second in first..=payload.len() {
                let (mut masked, mut mask) = (payload.clone(), Mask::new(key));
                for range in [0..first, first..second, second..payload.len()] {
                    mask.apply(&mut masked[range]);
                }
                assert_eq!(masked, expected, "{first} {second}");
            }
        }
    }
}
