from test_jobs_people_leaving import *
def test_dbg(world):
    entries = ", ".join(f"{{email: {rep}, capacity: 6}}" for rep in world.reps[:2])
    (world.folder / "pack" / "pack.yaml").write_text(
        f"format: 1\nreps: [{entries}]\n"
        f"pools: {{few: {{members: [{', '.join(world.reps[:2])}], assign: rotate}}}}\n"
        "territories:\n  - {name: unworked, when: always, owners: unassigned}\n"
    )
    world.pulled(); world.adopt()
    document = distribute(world.context, "few", sources=["unworked"])
    for r in document["changes"]: print(r)
    rep=carried_out(world, document)
    back = plan_undo(world.context, document["plan_id"]).document
    for d in back["decisions"]: print(d["company"], d["outcome"], d["reason"], d["text"], d.get("left_out"))
    assert 0
