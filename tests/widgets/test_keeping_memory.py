from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest
from relaylib.widgets.keeping import Keeper, Labels, MemoryKeeper

SPAN = Annotation(1, 5, "glitch")
START = Manifest((ArtifactType("glitch"),), (AudioItem("a.wav", 900, "anna", (SPAN,)), AudioItem("b.wav", done=False)))


def test_what_is_kept_is_there_until_the_end():
    keeper: Keeper = MemoryKeeper(START)
    assert keeper.manifest() == START
    assert keeper.all_labels() == {"a.wav": Labels((SPAN,)), "b.wav": Labels(done=False)}
    labels = Labels((Annotation(7, 9, "glitch"),), (Detection(1, 2, "glitch", 0.5),), done=True)
    keeper.keep("b.wav", labels)
    assert keeper.labels("b.wav") == labels
    assert keeper.manifest().audio == (START.audio[0], AudioItem("b.wav", annotations=labels.annotations, done=True))
    keeper.close()


def test_a_recording_may_be_new():
    keeper = MemoryKeeper(START)
    assert keeper.labels("c.wav") == Labels()
    keeper.keep("c.wav", Labels((SPAN,)))
    assert keeper.manifest().audio[-1] == AudioItem("c.wav", annotations=(SPAN,))
