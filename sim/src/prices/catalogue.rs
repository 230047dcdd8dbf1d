//! The series that come with the project: what each is, and its file in `sim/data/prices`.
//!
//! Where they come from and how they were checked is in `sim/data/SOURCES.md`.

use golv_engine::num::Currency;

use super::unit::{Frequency, Mass};
use super::{Series, read};

const IMF: &str = "International Monetary Fund, Primary Commodity Price System";
const IMF_LICENCE: &str =
    "IMF data terms: may be copied and published with attribution, except what third parties own";
const USGS: &str = "U.S. Geological Survey, Mineral Commodity Summaries, editions 2019 to 2026";
const USGS_LICENCE: &str = "public domain, a work of the US Government; credit to the U.S. Geological Survey";

/// A series of the catalogue, not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name that it is asked for by.
    pub id: &'static str,
    material: &'static str,
    form: &'static str,
    basis: &'static str,
    mass: Mass,
    source: Source,
    note: &'static str,
    text: &'static str,
}

/// Who publishes a series; all are in US dollars.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// Monthly.
    Imf,
    /// Yearly.
    Usgs,
}

impl Entry {
    /// The series, read.
    pub fn series(&self) -> Series {
        let (frequency, points) =
            read::points(self.text, "price").expect("what comes with the project reads, as a test checks");
        let (source, licence, published) = match self.source {
            Source::Imf => (IMF, IMF_LICENCE, Frequency::Monthly),
            Source::Usgs => (USGS, USGS_LICENCE, Frequency::Yearly),
        };
        assert_eq!(frequency, published, "the IMF publishes months and USGS years");
        let &Self { id, material, form, basis, mass, note, .. } = self;
        let (id, material, currency) = (id.into(), material.into(), Currency::Usd);
        Series { id, material, form, basis, currency, mass, frequency, source, licence, note, points }
    }
}

/// All series that come with the project, a material's together.
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
}

/// An entry whose file is named as it is.
macro_rules! entries {
    ($($id:literal $mass:ident $source:ident $material:literal, $form:literal, $basis:literal, $note:literal;)*) => {
        const CATALOGUE: &[Entry] = &[$(Entry {
            id: $id,
            material: $material,
            form: $form,
            basis: $basis,
            mass: Mass::$mass,
            source: Source::$source,
            note: $note,
            text: include_str!(concat!("../../data/prices/", $id, ".csv")),
        }),*];
    };
}

entries! {
    "antimony" Pound Usgs "Antimony", "metal, 99.65 %", "yearly average of a quote", "2025 is an estimate.";
    "bismuth" Pound Usgs "Bismuth", "metal, 99.99 %", "Rotterdam", "2023 is an estimate.";
    "cerium-oxide" Kilogram Usgs "Cerium", "oxide, at least 99.5 %", "yearly average of a quote", "2025 is an estimate.";
    "chromium-metal" Tonne Imf "Chromium", "metal, 99.2 %, coarse particles", "as the IMF relays it", "No second source was found.";
    "cobalt" Tonne Imf "Cobalt", "metal, at least 99.80 %", "LME spot", "";
    "cobalt-usgs" Pound Usgs "Cobalt", "metal", "LME cash", "2025 is an estimate.";
    "cobalt-us-spot" Pound Usgs "Cobalt", "cathode", "United States spot", "2025 is an estimate.";
    "dysprosium-oxide" Kilogram Usgs "Dysprosium", "oxide, at least 99.5 %", "yearly average of a quote", "2023 is an estimate.";
    "europium-oxide" Kilogram Usgs "Europium", "oxide, at least 99.99 %", "yearly average of a quote", "2025 is an estimate.";
    "gadolinium-oxide" Kilogram Usgs "Gadolinium", "oxide", "yearly average of a quote", "2025 is an estimate.";
    "gallium-4n" Kilogram Usgs "Gallium", "metal, low purity, 99.99 %", "Chinese market", "2023 is an estimate, made before the year ended.";
    "gallium-5n-7n" Kilogram Usgs "Gallium", "metal, high purity, 99.999 to 99.99999 %", "yearly average of a quote", "2023 is an estimate. Editions differ by up to 12.5 %.";
    "gallium-us-imports" Kilogram Usgs "Gallium", "metal, all purities", "unit value of United States imports", "2025 is an estimate. Not to be spliced with quotes of one purity.";
    "germanium-metal" Kilogram Usgs "Germanium", "metal, at least 99.999 %", "yearly average of a quote", "2025 is an estimate; the year ran from 3,150 to 5,380.";
    "germanium-dioxide" Kilogram Usgs "Germanium", "dioxide, at least 99.999 %", "yearly average of a quote", "2025 is an estimate.";
    "graphite-flake" Tonne Usgs "Graphite", "natural, flake", "unit value of United States imports", "2025 is an estimate.";
    "graphite-amorphous" Tonne Usgs "Graphite", "natural, amorphous", "unit value of United States imports", "2025 is an estimate.";
    "indium-rotterdam" Kilogram Usgs "Indium", "metal, 99.99 %", "Rotterdam", "2023 is an estimate.";
    "indium-us" Kilogram Usgs "Indium", "metal, 99.99 %", "United States, free on board", "2023 is an estimate.";
    "lanthanum-oxide" Kilogram Usgs "Lanthanum", "oxide, at least 99.5 %", "yearly average of a quote", "2025 is an estimate.";
    "lithium-metal" Tonne Imf "Lithium", "metal, at least 99 %, battery grade", "as the IMF relays it", "It is the metal: six to nine times the price of lithium carbonate.";
    "lithium-carbonate" Tonne Usgs "Lithium", "carbonate, battery grade", "average of contracts and spot", "2023 is an estimate. Another definition than lithium-carbonate-real: the two are not to be spliced.";
    "lithium-carbonate-real" Tonne Usgs "Lithium", "carbonate, battery grade", "annual average-real, Benchmark", "2025 is an estimate. Another definition than lithium-carbonate: the two are not to be spliced.";
    "magnesium-europe" Tonne Usgs "Magnesium", "metal", "European free market", "2025 is an estimate.";
    "magnesium-us" Pound Usgs "Magnesium", "metal", "United States spot", "2025 is an estimate.";
    "manganese-metal" Tonne Imf "Manganese", "metal, electrolytic", "CIF north-west Europe", "";
    "manganese-ore" MetricTonUnit Usgs "Manganese", "ore, 44 %", "CIF China", "2023 is an estimate. A price per 10 kg of contained manganese.";
    "molybdenum" Tonne Imf "Molybdenum", "contained in roasted concentrate, 57 to 63 %", "LME spot", "A price per tonne of contained molybdenum.";
    "molybdenum-oxide" Kilogram Usgs "Molybdenum", "contained in oxide", "yearly average of a quote", "2023 is an estimate. A price per kilogram of contained molybdenum.";
    "neodymium-oxide" Kilogram Usgs "Neodymium", "oxide, at least 99.5 %", "yearly average of a quote", "2025 is an estimate.";
    "ndpr-oxide" Kilogram Usgs "Neodymium-praseodymium", "oxide", "yearly average of a quote", "2025 is an estimate. One edition prints it, and no second source was found.";
    "nickel" Tonne Imf "Nickel", "metal, melting grade", "LME spot, CIF European ports", "";
    "nickel-usgs" Tonne Usgs "Nickel", "metal", "LME cash", "2023 is an estimate.";
    "praseodymium-oxide" Kilogram Usgs "Praseodymium", "oxide, at least 99.5 %", "yearly average of a quote", "2025 is an estimate.";
    "rare-earth-carbonate" Tonne Imf "Rare earths", "carbonate, 42 to 45 % oxides", "domestic market, as the IMF relays it", "";
    "samarium-oxide" Kilogram Usgs "Samarium", "oxide, at least 99.5 %", "yearly average of a quote", "2025 is an estimate.";
    "silicon" Tonne Imf "Silicon", "metal, lumps", "CIF north-west Europe", "Seldom updated: 46 % of the months repeat the one before, so it says little of volatility.";
    "terbium-oxide" Kilogram Usgs "Terbium", "oxide, at least 99.99 %", "yearly average of a quote", "2023 is an estimate.";
    "tungsten-concentrate" MetricTonUnit Usgs "Tungsten", "concentrate, 65 % trioxide", "yearly average of a quote", "2025 is an estimate. A price per 10 kg of contained trioxide.";
    "vanadium-pentoxide" Tonne Imf "Vanadium", "pentoxide", "CIF north-west Europe", "";
    "vanadium-pentoxide-china" Pound Usgs "Vanadium", "pentoxide", "Chinese market", "2023 is an estimate.";
}
