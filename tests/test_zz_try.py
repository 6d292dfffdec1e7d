from collections import Counter
from tests.test_old_ledger_rows import *
def test_x(office):
    with office.stage.app.app_context():
        engine = office.stage.panel.db.engine
    rows=[line(地点=f"东塔路 {i} 幢", 投诉人="王芳") for i in range(30)]
    with factories.counted(engine) as st:
        office.run("case", table(LABELS,*rows))
    for k,v in Counter(s[:60] for s in st).most_common(6): print(v,k)
    print([s for s in st if s.startswith('INSERT INTO "case"')][-1][-200:])
    assert 0
