//! What the charts are drawn with: shapes into a text, axes, ticks, legends.
//!
//! Looks are in `chart.css`, which every drawing carries, so that it stands alone in a page or a file.

use std::fmt::Write;

use super::text::escape;

const STYLE: &str = include_str!("chart.css");

/// The narrowest drawing; for a smaller width this one is made.
const NARROWEST: u16 = 320;

/// A drawing in progress. Coordinates are pixels from the top left.
pub(super) struct Drawing {
    name: String,
    width: u16,
    body: String,
}

/// Which end of a text stands at its coordinate.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// What stands before a legend's text.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Line(&'static str),
    Box(Fill),
    /// The part of a bar with that number.
    Part(usize),
    Dot,
}

/// How an area is filled. Hatched where the fill alone would look like another in grey.
#[derive(Clone, Copy)]
pub(super) enum Fill {
    Sold,
    Bought,
    Won,
    Paid,
}

impl Drawing {
    /// A drawing of a chart whose name no other chart has: the ids in it begin with it.
    pub(super) fn new(name: impl Into<String>, width: u16) -> Self {
        Self { name: name.into(), width: width.max(NARROWEST), body: String::new() }
    }

    pub(super) fn width(&self) -> f64 {
        self.width.into()
    }

    /// Whether it is made for a phone.
    pub(super) fn is_narrow(&self) -> bool {
        self.width < 480
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.element(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    /// A curve, or with several moves in it several.
    pub(super) fn path(&mut self, class: &str, commands: &str) {
        self.element(format_args!(r#"<path class="{class}" d="{commands}"/>"#));
    }

    /// An area that is hatched as payments are, without an outline.
    pub(super) fn hatched(&mut self, commands: &str) {
        let id = self.pattern("paid");
        self.element(format_args!(r##"<path fill="url(#{id})" d="{commands}"/>"##));
    }

    /// A box that looks as a class says.
    pub(super) fn part(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        self.element(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    /// A filled box.
    pub(super) fn bar(&mut self, fill: Fill, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        let paint = self.paint(fill);
        self.element(format_args!(
            r#"<rect {paint} x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    pub(super) fn dot(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.element(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#));
    }

    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.element(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// Text over as many lines as it takes; returns where the next line would stand.
    pub(super) fn paragraph(&mut self, class: &str, y: f64, text: &str) -> f64 {
        let mut next = y;
        for line in lines(text, self.width()) {
            self.text(class, [0.0, next], Anchor::Start, &line);
            next += 16.0;
        }
        next
    }

    /// A number on an axis that the chart is about, as a tag around `centre`.
    pub(super) fn tag(&mut self, [x, y]: [f64; 2], text: &str) {
        let width = tag_width(text);
        self.element(format_args!(
            r#"<rect class="tag" x="{:.1}" y="{:.1}" width="{width:.1}" height="18" rx="3"/>"#,
            x - width / 2.0,
            y - 9.0
        ));
        self.text("on-tag", [x, y + 4.2], Anchor::Middle, text);
    }

    /// Title, what it says in one line, and legend; returns where the plot may begin.
    pub(super) fn heading(&mut self, title: &str, says: &str, legend: &[(Sample, &str)]) -> f64 {
        let room = self.width();
        let mut y = 16.0;
        // Titles are set bold and in 15 pixels.
        for line in lines(title, room * 0.69) {
            self.text("title", [0.0, y], Anchor::Start, &line);
            y += 20.0;
        }
        y = self.paragraph("soft", y, says) + 6.0;
        let mut x = 0.0;
        for &(sample, label) in legend {
            let width = 28.0 + text_width(label);
            if x > 0.0 && x + width > room {
                x = 0.0;
                y += 18.0;
            }
            match sample {
                Sample::Line(class) => self.line(class, [x, y - 4.0], [x + 22.0, y - 4.0]),
                Sample::Box(fill) => self.bar(fill, [x + 4.0, y - 10.0], [14.0, 11.0]),
                Sample::Part(number) => {
                    self.part(&format!("part part{number}"), [x + 4.0, y - 10.0], [14.0, 11.0]);
                }
                Sample::Dot => self.dot("dot", [x + 11.0, y - 4.0], 5.5),
            }
            self.text("", [x + 28.0, y], Anchor::Start, label);
            x += width + 20.0;
        }
        if legend.is_empty() { y } else { y + 16.0 }
    }

    /// The finished drawing, for readers of the picture and of its name and description.
    pub(super) fn finish(self, height: f64, title: &str, description: &str) -> String {
        let patterns: String =
            [("bought", "M-2,2L2,-2M0,8L8,0M6,10L10,6"), ("paid", "M-2,6L2,10M0,0L8,8M6,-2L10,2")]
                .iter()
                .filter(|(fill, _)| self.body.contains(&self.pattern(fill)))
                .map(|(fill, lines)| {
                    format!(
                        "<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
                         <rect class=\"{fill}\" width=\"8\" height=\"8\"/>\
                         <path class=\"{fill}-line\" d=\"{lines}\"/></pattern>\n",
                        self.pattern(fill)
                    )
                })
                .collect();
        let (width, body) = (self.width, &self.body);
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"golv\" role=\"img\" aria-label=\"{title}. \
             {description}\" width=\"{width}\" height=\"{height:.0}\" viewBox=\"0 0 {width} {height:.0}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n{patterns}\
             <rect class=\"paper\" width=\"{width}\" height=\"{height:.0}\"/>\n{body}</svg>\n"
        )
    }

    /// The id of a hatching. Ids are of the whole page, and a pattern in a drawing that is not displayed
    /// paints nothing; so each chart has its own, and at each width another.
    fn pattern(&self, fill: &str) -> String {
        format!("{}-{fill}-{}", self.name, self.width)
    }

    fn paint(&self, fill: Fill) -> String {
        match fill {
            Fill::Sold => r#"class="sold""#.to_owned(),
            Fill::Won => r#"class="won""#.to_owned(),
            Fill::Bought => format!(r##"class="edge-bought" fill="url(#{})""##, self.pattern("bought")),
            Fill::Paid => format!(r##"class="edge-paid" fill="url(#{})""##, self.pattern("paid")),
        }
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("writing to a string does not fail");
    }
}

/// How wide a text of 12 pixels is at most, more or less: fonts differ, and this is for a wide one.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().map(|c| if matches!(c, ',' | '.' | ' ' | 'i' | 'l') { 4.0 } else { 7.7 }).sum()
}

/// As [`text_width`], for bold text.
pub(super) fn bold_width(text: &str) -> f64 {
    text_width(text) * 1.16
}

/// How wide the tag around a text is.
pub(super) fn tag_width(text: &str) -> f64 {
    text_width(text) + 14.0
}

/// The text in lines that have room, broken between words.
fn lines(text: &str, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) + 4.0 < room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shortened(word, room)),
        }
    }
    lines
}

/// The text, or as much of its beginning as has room, with `…`.
pub(super) fn shortened(text: &str, room: f64) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if text_width(&short) + 8.0 > room {
            short.pop();
            break;
        }
    }
    format!("{}…", short.trim_end())
}

/// Where numbers lie between two pixels.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    low: i128,
    high: i128,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// Equal distances for equal differences. `low < high`.
    pub(super) fn linear(low: i128, high: i128, from: f64, to: f64) -> Self {
        debug_assert!(low < high, "an axis has a length");
        Self { low, high, from, to, logarithmic: false }
    }

    /// Equal distances for equal ratios. `0 < low < high`.
    pub(super) fn logarithmic(low: i128, high: i128, from: f64, to: f64) -> Self {
        debug_assert!(0 < low && low < high, "a logarithmic axis is positive");
        Self { low, high, from, to, logarithmic: true }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The pixel of a number.
    pub(super) fn at(&self, number: i128) -> f64 {
        // Differences are taken before floats, in which two large numbers may be the same.
        let share = if self.logarithmic {
            let low = self.low as f64;
            (number as f64 / low).ln() / (self.high as f64 / low).ln()
        } else {
            (number - self.low) as f64 / (self.high - self.low) as f64
        };
        self.from + share * (self.to - self.from)
    }
}

/// Round numbers from `low` to `high`, about `wanted` of them and never more.
pub(super) fn ticks(low: i128, high: i128, wanted: i128) -> Vec<i128> {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i128.pow(power)));
    let step = steps
        .take_while(|&step| step <= i128::from(i64::MAX) * 1_000_000)
        .find(|step| (high - low) / step < wanted)
        .unwrap_or(i128::from(i64::MAX) * 1_000_000);
    let first = low.div_euclid(step) + i128::from(low.rem_euclid(step) != 0);
    (first..).map(|count| count * step).take_while(|&tick| tick <= high).collect()
}

/// Round numbers from `low` to `high` for a logarithmic axis: as many in a decade as make no crowd.
pub(super) fn logarithmic_ticks(low: i128, high: i128) -> Vec<i128> {
    let within = |tenths: &[i128]| -> Vec<i128> {
        let all = (0..24).flat_map(|power| tenths.iter().map(move |tenth| tenth * 10_i128.pow(power)));
        all.filter(|tick| (low..=high).contains(tick)).collect()
    };
    let fine = within(&[10, 15, 20, 30, 50, 70]);
    let coarse = within(&[10, 20, 50]);
    match (fine.len(), coarse.len()) {
        (..=7, _) => fine,
        (_, ..=7) => coarse,
        _ => within(&[10]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0, 100, 5), [0, 50, 100]);
        assert_eq!(ticks(-7, 12, 6), [-5, 0, 5, 10]);
        assert_eq!(ticks(3, 3, 5), [3]);
        assert_eq!(logarithmic_ticks(60, 600), [70, 100, 150, 200, 300, 500]);
        assert_eq!(logarithmic_ticks(60, 6_000), [100, 200, 500, 1_000, 2_000, 5_000]);
        assert_eq!(logarithmic_ticks(60, 60_000), [100, 1_000, 10_000]);
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(lines("Support auction in November", 110.0), ["Support auction", "in November"]);
        assert_eq!(lines("", 110.0), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_room_is_shortened() {
        assert_eq!(shortened("Nordic Cells", 200.0), "Nordic Cells");
        assert_eq!(shortened("Nordic Cells", 55.0), "Nordic…");
        assert_eq!(shortened("Nordic Cells", 0.0), "…");
    }

    proptest! {
        #[test]
        fn ticks_are_within_and_few(a: i64, b: i64, wanted in 1_i128..12) {
            let (low, high) = (i128::from(a.min(b)), i128::from(a.max(b)));
            let ticks = ticks(low, high, wanted);
            prop_assert!(ticks.len() <= usize::try_from(wanted).expect("small") );
            prop_assert!(ticks.iter().all(|tick| (low..=high).contains(tick)));
        }
    }
}
