"""The page's explanations: one text for each section, in words for a musician."""

from __future__ import annotations

from jamd.report.figures import DISTINCT

ABOUT = (
    "Every figure here is measured on held-out pieces: music of the same kind that the model "
    "was not trained on. Excerpts of them may have decided which checkpoint was kept: so the "
    "figures may be a little better than on other music. Blue is real music, orange is the model's."
)

BITS = (
    "Bits say how surprised the model is by what comes next in real music: 1 bit is a toss-up "
    "between two, 3 bits one of eight. Fewer are better. A bit saved on each note means that "
    "the model halves the number of notes it would have taken for possible. The unigram knows "
    "only how common each token is, the n-gram knows the four tokens before; both have counted"
    " this very set's training pieces. Velocities count only where the sources have their own: "
    "then there is a row for them. So bits a note compare models on one set, and not two sets. A "
    "model that does not beat the n-gram has learned little. With memory, the model also picks up "
    "what has been played in the piece so far; in a jam it picks up what you play, and not what it "
    "plays itself."
)

HEAR = (
    "The model has heard some bars of a held-out piece (grey background) and goes on from "
    "there (orange background). Above it stands what the composer wrote at that place. There "
    "is no right answer here: the question is whether you would take it for a band-mate's. "
    "Look and listen for whether it keeps the key, the pace and the register, whether tune and"
    " chords go together, and whether it has any shape of its own."
)

LIKENESS = (
    "For each feature, real pieces lie some distance from one another (blue area). The orange "
    "line is how far the model's pieces lie from real ones. Were they indistinguishable in "
    "this feature, line and area would be the same: overlap 1, KL divergence 0. Music is never "
    "quite there, so the dashed line and the columns “the bars before” show how close real music "
    "of the same pieces comes: what the model had heard at each place. As good as that is as good "
    "as can be told."
)

FEATURE_WORDS = {
    "pitch-class histogram": "which of the twelve notes are used, brought to C major or A minor",
    "inter-onset interval": "beats from one onset to the next, on average",
    "note density": "notes in a bar",
    "polyphony": "pitches that sound at once",
    "scale consistency": "share of notes within one scale",
    "groove similarity": "how alike the bars are in rhythm",
}

LOOPS = (
    "A model that is stuck goes round in circles. “Longest repeat” is the longest run of notes"
    " that comes again, note for note, rhythm included, within one continuation; “distinct” is"
    f" the share of different ones among all runs of {DISTINCT} notes. Real music repeats "
    "itself too, so neither high nor low is good in itself: near the real figures is good. "
    "Much longer repeats, or far fewer distinct runs, than real music has mean loops; much "
    "shorter ones mean that it wanders and never comes back to anything."
)

COPIES = (
    "Does it make music, or does it recite? This is the longest run of notes that stands in a "
    "training piece exactly so: the same intervals, rhythm, bars and durations, in whatever "
    "key. Held-out real music shares runs with the training pieces as well, for much of music "
    "is common property, and progressions and dances most of all. About as long as in real "
    "music is honest; several times as long would be copying."
)

DUET = (
    "In a duet the tune is yours and the chords are the model's. First: does the tune help it? "
    "Bits for each note of the real accompaniment, with the tune there and with the tune taken "
    "away; the more the tune saves, the more it listens. As jamd plays, its memory of the piece is "
    "beside it: the change with memory is that of both. Second: the model accompanies the tune "
    "without seeing ahead, and its notes are held against the harmony that the composer had "
    "there. Beside it stands the same when the tune's bars are shuffled: a model that listens "
    "must fit worse then. The chord in force is what the real accompaniment spells, and its own "
    "share is the mark to reach."
)

MANNER = (
    "Accompaniments that are all pads begin on the downbeat and nowhere else. The entropy "
    "tells how many places in the bar are in use: 0 bits is always the same place, 2 bits as "
    "varied as four places in turn. The spread of velocities tells how much louds and softs "
    "differ, in MIDI velocity; it is left out where the set's sources have no velocities of "
    "their own. Close to the real figure is good."
)

TIMING = (
    "Nobody plays on the grid. Here the same held-out pieces are played by a hand that misses "
    "the beat by 20 ms (standard deviation) at 120 bpm, and read again: each onset where jamd "
    "hears it, and, for comparison, with every onset simply put on the nearest step. Onsets that "
    "are misread are counted there, and nobody can foresee those. Nor does anybody hold a key to "
    "the very end: then each comes up some 50 ms early, and is read as long as it was meant, as "
    "jamd does, or as it is. The last columns ask what an answer rests on: only what came before "
    "was played by hand, and what really followed is counted. That should hardly rise: the aim is "
    "5 % at most."
)

SOURCES = (
    (
        "L.-C. Yang and A. Lerch, On the evaluation of generative models in music, Neural "
        "Computing and Applications 32, 2020: pitch-class histogram, inter-onset interval, "
        "note count; distances within and between sets, overlapping area, Kullback–Leibler "
        "divergence (in nats)."
    ),
    (
        "H.-W. Dong, K. Chen, J. McAuley and T. Berg-Kirkpatrick, MusPy: a toolkit for "
        "symbolic music generation, ISMIR 2020: polyphony."
    ),
    (
        "O. Mogren, C-RNN-GAN: continuous recurrent neural networks with adversarial training,"
        " 2016: scale consistency."
    ),
    (
        "S.-L. Wu and Y.-H. Yang, The Jazz Transformer on the front line, ISMIR 2020: grooving"
        " pattern similarity."
    ),
    (
        "J. Li and others, A diversity-promoting objective function for neural conversation "
        "models, NAACL 2016: distinct-n."
    ),
)
