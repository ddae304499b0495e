//! The two faces of a PDF: how wide a text is in them, and which glyphs draw it.
//!
//! The fonts are DejaVu's, which may be embedded freely (Bitstream Vera licence; the changes are public domain).
//! A glyph per letter, side by side: the Latin letters of an ERP need no shaping.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

use crate::error::ApiError;

/// Which face a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// Both.
pub(super) struct Faces {
    regular: Face,
    bold: Face,
}

/// One of them. Lengths are in parts of the size of the letters.
pub(super) struct Face {
    font: Font,
    letters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units: f32,
}

impl Faces {
    /// Reads the fonts, which are part of the program.
    ///
    /// # Errors
    /// Never with the fonts we have.
    pub(super) fn load() -> Result<Self, ApiError> {
        let face = |data| Face::read(data).ok_or(ApiError::Internal("a font cannot be read"));
        Ok(Self {
            regular: face(dejavu::sans_condensed::regular())?,
            bold: face(dejavu::sans_condensed::bold())?,
        })
    }

    /// The face of a weight.
    pub(super) fn of(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

impl Face {
    fn read(data: &'static [u8]) -> Option<Self> {
        let font = FontRef::new(data).ok()?;
        let drawn = Font::new(data.into(), 0)?;
        Some(Self {
            letters: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
            units: drawn.units_per_em(),
            font: drawn,
        })
    }

    /// The font as documents embed it.
    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|letter| self.glyph(letter).1).sum()
    }

    /// What draws a text.
    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let letters = text.char_indices().map(|(start, letter)| {
            let (glyph_id, x_advance) = self.glyph(letter);
            KrillaGlyph {
                glyph_id,
                text_range: start..start + letter.len_utf8(),
                x_advance,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            }
        });
        letters.collect()
    }

    /// Glyph and width of a letter; a box for one the font does not have.
    fn glyph(&self, letter: char) -> (GlyphId, f32) {
        let glyph = self.letters.map(letter).unwrap_or_default();
        let width = self.metrics.advance_width(glyph).unwrap_or_default();
        (GlyphId::new(glyph.to_u32()), width / self.units)
    }
}
