//! The pages of `golv sim report` in a browser: every chart is drawn at both widths, and nothing is complained of.
//!
//! Needs Chromium: `GOLV_CHROMIUM` names it, or it is `chromium` or `google-chrome` in PATH. So it is run only on demand:
//! `cargo test -p golv-gateway --test processes -- --ignored report_in_browser`. With `GOLV_SCREENSHOTS` naming a directory, pictures are kept there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Monthly prices and an auction; yearly prices and settlement by quarter; rounds of bilateral matching.
const SCENARIOS: [&str; 3] = ["lithium", "ndpr-floor", "gallium"];

/// What measures: it frames the report in two widths, and puts a line for each chart that is shown into its own document.
const PROBE: &str = r#"<!doctype html><title>probe</title>
<iframe id="w1100" src="report.html" width="1100" height="3000"></iframe>
<iframe id="w390" src="report.html" width="390" height="3000"></iframe>
<pre id="measured"></pre>
<script>
addEventListener('load', () => {
  const lines = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument;
    const wide = page.documentElement.scrollWidth;
    for (const chart of page.querySelectorAll('svg')) {
      if (chart.getClientRects().length === 0) { lines.push(`hidden ${frame.id}`); continue; }
      const box = chart.getBoundingClientRect();
      // Titles and descriptions have no box, and neither have patterns: what is drawn has.
      const drawn = [...chart.querySelectorAll('path,rect,line,circle,text')].filter(it => !it.closest('pattern'));
      const out = [...chart.querySelectorAll('text')].filter(it => {
        const text = it.getBoundingClientRect();
        return text.left < box.left - 1 || text.right > box.right + 1 || text.bottom > box.bottom + 1 || text.top < box.top - 1;
      });
      const name = chart.querySelector('title').textContent;
      const outside = out.map(it => it.textContent).join('|');
      lines.push(`chart ${frame.id} ${Math.round(box.width)} ${Math.round(box.height)} ${drawn.length} ${out.length} ${name} ${outside}`);
    }
    lines.push(`page ${frame.id} ${wide}`);
  }
  document.getElementById('measured').textContent = lines.join('\n');
});
</script>
"#;

fn chromium() -> PathBuf {
    if let Some(named) = env::var_os("GOLV_CHROMIUM") {
        return named.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut all = env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name)));
    all.find(|file| file.is_file()).expect("Chromium in PATH, or named by GOLV_CHROMIUM")
}

/// Runs it with a profile of its own on a file.
fn browse(arguments: &[&str], page: &Path) -> Output {
    let profile = tempfile::tempdir().expect("a directory");
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        // A page from a file may look into another one from a file.
        .args(["--allow-file-access-from-files", "--enable-logging=stderr", "--v=0", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("Chromium runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
#[ignore = "needs Chromium"]
fn every_chart_is_drawn() {
    for scenario in SCENARIOS {
        let dir = tempfile::tempdir().expect("a directory");
        let made = Command::new(env!("CARGO_BIN_EXE_golv"))
            .args(["sim", "report", scenario, "--paths", "40", "--out"])
            .arg(dir.path())
            .output()
            .expect("golv runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let probe = dir.path().join("probe.html");
        fs::write(&probe, PROBE).expect("written");
        let output = browse(&["--dump-dom", "--virtual-time-budget=10000"], &probe);
        let said = String::from_utf8_lossy(&output.stderr);
        let complaints: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(complaints.is_empty(), "{scenario}: {complaints:#?}");

        let dom = String::from_utf8_lossy(&output.stdout);
        let measured =
            dom.split_once("<pre id=\"measured\">").and_then(|(_, rest)| rest.split_once("</pre>"));
        let measured: Vec<&str> = measured.expect("the probe's lines").0.lines().collect();
        let page = fs::read_to_string(dir.path().join("report.html")).expect("a page");
        let charts = page.matches("<svg ").count();
        for (frame, width) in [("w1100", 1100), ("w390", 390)] {
            let of = |kind: &str| -> Vec<&str> {
                let begins = format!("{kind} {frame}");
                measured.iter().filter(|line| line.starts_with(&begins)).copied().collect()
            };
            // Each chart is there for a screen and for a phone, and one of the two is shown.
            let (shown, hidden) = (of("chart"), of("hidden"));
            assert_eq!((shown.len(), hidden.len()), (charts / 2, charts / 2), "{scenario} {frame}");
            assert!(shown.len() >= 8, "{scenario}: {measured:#?}");
            for line in shown {
                let mut words = line.split(' ').skip(2).map(|word| word.parse::<u32>());
                let mut next = || words.next().and_then(Result::ok).expect("a number");
                let (across, high, drawn, outside) = (next(), next(), next(), next());
                assert!(across > 250 && across <= width && high > 100, "{scenario}: {line}");
                assert!(drawn > 10, "{scenario}: {line}");
                assert_eq!(outside, 0, "a text leaves its chart: {scenario}: {line}");
            }
            let across = of("page")[0].rsplit(' ').next().and_then(|width| width.parse().ok());
            assert_eq!(across, Some(width), "{scenario}: the page is wider than its window");
            picture(scenario, width, &dir.path().join("report.html"));
        }
    }
}

/// Keeps a picture of a page, if somebody wants to look at it.
fn picture(scenario: &str, width: u32, page: &Path) {
    let Some(dir) = env::var_os("GOLV_SCREENSHOTS") else { return };
    let file = Path::new(&dir).join(format!("{scenario}-{width}.png"));
    // Headless windows are no narrower than 500 pixels.
    let size = format!("--window-size={},6000", width.max(500));
    browse(&[&size, &format!("--screenshot={}", file.display())], page);
    assert!(file.metadata().is_ok_and(|file| file.len() > 10_000), "{}", file.display());
}
