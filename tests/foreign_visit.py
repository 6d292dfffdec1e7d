"""A visit over HTTP to the library of tests/foreign.py: `python -m tests.foreign_visit FILE`, in its own process."""

from __future__ import annotations

import re
import sys

from panel.base import Base
from panel.security.accounts import User, UserRole
from panel.security.records import guard
from tests.foreign import Author, Book, Loan, library

PASSWORD = "Library-1"


def main() -> None:
    panel = library(f"sqlite:///{sys.argv[1]}")
    with panel.app.app_context():
        Base.metadata.create_all(panel.db.engine)
        with panel.db.engine.begin() as connection:
            guard(connection)
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            users = [
                User(username=n, name=n, password_hash=hashed, must_change=False, roles=[UserRole(role="keeper")])
                for n in ("ann", "bob")
            ]
            author = Author(name="鲁迅")
            session.add_all([*users, author])
            session.flush()
            other = Book(title="野草", author=author, keeper=users[1])
            session.add(Loan(book=other, reader="孔乙己"))
            session.flush()
            ann, theirs, wrote = users[0].id, other.id, author.id
    client = panel.app.test_client()

    def post(url: str, **data: object) -> int:
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/password").text or "")
        found = token or re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
        assert found
        return client.post(url, data={"csrf_token": found[1], **data}).status_code

    assert client.get("/admin/book/").status_code == 302, "strangers are sent to the log-in page"
    assert post("/login", username="ann", password=PASSWORD) == 302
    assert client.get("/static/panel/panel.css").status_code == 200
    home = client.get("/").text
    assert "Books" in home
    assert "Loans" in home

    assert post("/admin/book/new/", title="呐喊", author=wrote, keeper=ann) == 302
    assert post("/admin/book/new/", title="", author=wrote, keeper=ann) == 422
    listed = client.get("/admin/book/?q=呐").text
    assert "呐喊" in listed
    assert "鲁迅" in listed
    assert "野草" not in client.get("/admin/book/").text
    mine = int(re.findall(r"/admin/book/details/\?id=(\d+)", listed)[0])
    assert post(f"/admin/book/edit/?id={mine}", title="彷徨", author=wrote, keeper=ann, version=1) == 302
    shown = client.get(f"/admin/book/details/?id={mine}").text
    assert "彷徨" in shown
    assert "呐喊" in shown, "the history tells the title it had"
    assert post("/admin/loan/new/", book=mine, reader="祥林嫂") == 302
    assert "祥*" in client.get("/admin/loan/").text, "a private name is masked"
    assert "彷徨" in client.get("/admin/loan/ajax/lookup/?name=book&query=").get_data(as_text=True)
    assert "鲁迅" in client.get("/admin/book/ajax/lookup/?name=author&query=lx").get_data(as_text=True), "by pinyin"
    assert client.get(f"/admin/book/?author={wrote}").status_code == 200

    for address in ("details", "edit", "confirm"):
        assert client.get(f"/admin/book/{address}/?id={theirs}").status_code == 404, "outside the scope"
    assert post("/admin/loan/new/", book=theirs, reader="祥林嫂") == 422, "nothing refers out of the scope"
    assert post(f"/admin/book/edit/?id={mine}", title="彷徨", author=wrote, keeper=theirs + 1, version=2) == 422
    assert post("/admin/book/delete/", id=theirs) == 404
    assert client.get("/admin/user/").status_code == 200, "the engine brings the screens of its own tables"
    assert client.get("/admin/auditentry/").status_code == 403, "which are read by whom a role lets read them"


if __name__ == "__main__":
    main()
