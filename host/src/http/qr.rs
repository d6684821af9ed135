//! A text as a QR code (ISO/IEC 18004), for people who would rather point a camera at it than type.
//!
//! Pure. Invariants: the picture is SVG that holds nothing but squares, none of the text; it is black on white with a quiet
//! zone, whatever the page around it looks like. Deliberately absent: other formats, colours and sizes; SVG scales.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// Longest text in bytes. An `otpauth:` address with long names is some 300; beyond this a code gets too fine for a
/// telephone's camera.
const TEXT_BYTES_MAX: usize = 1024;

/// Units to a square: small enough that the picture is some 300 units wide, which is its size where nothing says another.
const UNITS: u32 = 4;

/// The text does not fit into a picture that could be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the text is too long for a QR code")]
pub(crate) struct TooLong;

/// Draws a text. A seventh of the squares may be unreadable (level M), as for a screen that is looked at askance.
pub(crate) fn draw(text: &str) -> Result<String, TooLong> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TooLong);
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)?;
    let mut picture = code.render::<svg::Color<'_>>();
    let picture = picture.dark_color(svg::Color("#000000")).light_color(svg::Color("#ffffff"));
    Ok(picture.quiet_zone(true).module_dimensions(UNITS, UNITS).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "otpauth://totp/Directus:self%40example.com?secret=NRNDIDLHLVQDEFKJ&period=30&digits=6&algorithm=SHA1&issuer=Directus";

    /// The squares of a picture as letters, four units each.
    fn squares(picture: &str) -> Vec<Vec<bool>> {
        let width: usize = picture.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let mut squares = vec![vec![false; width / 4]; width / 4];
        let path = picture.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        for rectangle in path.split('M').skip(1) {
            let numbers: Vec<usize> = rectangle
                .split(|letter: char| !letter.is_ascii_digit())
                .filter(|number| !number.is_empty())
                .map(|number| number.parse().unwrap())
                .collect();
            let (left, top, wide, high) = (numbers[0] / 4, numbers[1] / 4, numbers[2] / 4, numbers[3] / 4);
            for row in &mut squares[top..top + high] {
                row[left..left + wide].fill(true);
            }
        }
        squares
    }

    #[test]
    fn the_picture_is_a_code_with_a_quiet_zone() {
        let picture = draw(ADDRESS).unwrap();
        assert!(picture.starts_with("<?xml") && picture.ends_with("</svg>") && !picture.contains("NRND"), "{picture}");
        assert!(picture.contains("fill=\"#ffffff\"") && picture.contains("fill=\"#000000\""));
        let squares = squares(&picture);
        let size = squares.len();
        let blank = |row: &Vec<bool>| row.iter().all(|dark| !dark);
        assert!(squares[..4].iter().all(blank) && squares[size - 4..].iter().all(blank), "four squares of nothing");
        // The finder pattern in the corner: a dark ring of seven around a light one around a dark block.
        assert!(squares[4][4..11].iter().all(|dark| *dark) && !squares[4][11]);
        assert!(squares[5][4] && !squares[5][5] && !squares[5][9] && squares[5][10] && squares[6][6]);
        assert_eq!((size - 8 - 17) % 4, 0, "a size that a version of the standard has");
    }

    #[test]
    fn the_same_text_gives_the_same_picture() {
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert!(draw(&"ä".repeat(TEXT_BYTES_MAX / 2)).is_ok());
        assert_eq!(draw(&"a".repeat(TEXT_BYTES_MAX + 1)), Err(TooLong));
        assert!(draw("").is_ok());
    }
}
