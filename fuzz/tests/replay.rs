//! Replays every input of every corpus.

use std::path::Path;

#[test]
fn every_corpus_keeps_every_promise() {
    for (target, body) in golv_fuzz::TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let inputs = std::fs::read_dir(&corpus).expect("each target has a corpus");
        let mut replayed = 0;
        for input in inputs {
            body(&std::fs::read(input.expect("an entry").path()).expect("an input"));
            replayed += 1;
        }
        println!("{target}: {replayed} inputs");
        assert!(replayed > 0, "the corpus of {target} is empty");
    }
}
