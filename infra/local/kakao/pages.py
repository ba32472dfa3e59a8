"""The pages for people, in Korean and English, without scripts or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

from infra.local.kakao.store import Link, Person

if TYPE_CHECKING:
    from infra.local.kakao.authorize import AuthorizeRequest

# No form-action: the decision redirects to the app, which browsers would count as a form's target.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:#f2f3f5;color:#191919;
 font:16px/1.5 -apple-system,"Apple SD Gothic Neo","Noto Sans KR","Noto Sans CJK KR",sans-serif}
main{width:100%;max-width:480px;margin:0 auto;background:#fff;min-height:100vh;padding:28px 20px}
@media(min-width:600px){body{padding:48px 16px}
 main{min-height:0;border-radius:20px;padding:36px;box-shadow:0 2px 24px #0000000f}}
header{display:flex;align-items:center;gap:10px;margin-bottom:28px}
.logo{font-weight:800;font-size:22px;letter-spacing:-.5px}
.badge{background:#fee500;border-radius:999px;padding:3px 10px;font-size:12px;font-weight:600}
h1{font-size:22px;line-height:1.35;margin:0 0 4px;letter-spacing:-.3px}
p.en,small{color:#6b6f76;font-size:13px;font-weight:400}
p.en{margin:0 0 24px}
h2{font-size:14px;margin:28px 0 10px;font-weight:600}
h2 small{margin-left:6px}
fieldset{border:0;margin:0;padding:4px 16px;background:#f7f8f9;border-radius:14px}
label.check{display:flex;align-items:center;gap:12px;padding:12px 0;cursor:pointer}
label.check+label.check{border-top:1px solid #e9ebee}
label.check span{display:flex;flex-direction:column;line-height:1.35}
input[type=checkbox]{width:22px;height:22px;margin:0;accent-color:#191919;flex:none}
ul{list-style:none;margin:0;padding:0;display:grid;gap:10px}
button{font:inherit;color:inherit;cursor:pointer;border:0;border-radius:14px;min-height:48px}
button:focus-visible,input:focus-visible,summary:focus-visible,a:focus-visible
 {outline:3px solid #3b82f6;outline-offset:2px}
.person{width:100%;display:flex;align-items:center;gap:14px;text-align:left;padding:10px 14px;
 background:#fff;border:1px solid #e1e4e8}
.person:hover{background:#fffbe0;border-color:#fee500}
.person.known{border:2px solid #191919}
.face{width:42px;height:42px;border-radius:16px;display:grid;place-items:center;flex:none;
 font-weight:700;font-size:18px}
.who{display:flex;flex-direction:column;min-width:0;flex:1;line-height:1.35;font-weight:600}
.who small{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
details{margin-top:10px;border:1px dashed #c9cdd3;border-radius:14px;padding:0 14px}
summary{padding:14px 0;cursor:pointer;font-weight:600}
.field{display:block;margin-bottom:12px;font-size:14px}
.field input{display:block;width:100%;margin-top:4px;padding:12px 14px;font:inherit;
 border:1px solid #c9cdd3;border-radius:10px;min-height:48px}
.main{width:100%;background:#fee500;font-weight:700;margin:4px 0 16px}
.quiet{width:100%;background:none;color:#6b6f76;margin-top:16px}
.quiet:hover{background:#f2f3f5}
.default{position:absolute;left:-9999px}
.row{border:1px solid #e1e4e8;border-radius:14px;padding:14px}
.row .top{display:flex;gap:14px;align-items:center}
.actions{display:flex;gap:8px;margin-top:12px}
.actions button{flex:1;background:#f2f3f5;font-size:14px;line-height:1.25;padding:6px 8px}
.actions .danger{background:#fdecec;color:#b3261e}
.actions small{display:block;color:inherit;opacity:.75;font-size:12px}
.note{border-radius:14px;padding:14px 16px;background:#eef7ee;margin:0 0 16px}
.note.bad{background:#fdecec}
code{font-size:14px;background:#f2f3f5;border-radius:6px;padding:2px 6px;overflow-wrap:anywhere}
"""

#: How many of the people that were made up are offered, the newest ones.
MADE_UP_MAX: Final = 8
# Background and text colour of the faces.
_COLOURS: Final = (
    ("#ffe9b8", "#7a5200"),
    ("#d6e8ff", "#0b4a8f"),
    ("#ffdce5", "#96254a"),
    ("#d9f2e0", "#14603a"),
    ("#e8defa", "#533191"),
    ("#ffe0cc", "#8a3b0a"),
)


def html(page: str, status: int = 200) -> web.Response:
    """Returns a page as a response that nobody may cache, frame or extend."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(
        text=page, status=status, content_type="text/html", charset="utf-8", headers=headers
    )


def sign_in(wanted: AuthorizeRequest, people: Sequence[Person], known: Person | None) -> str:
    """The sign-in page; ``known`` is whom the browser is signed in as."""
    hidden = "".join(
        f'<input type=hidden name="{escape(name)}" value="{escape(value)}">'
        for name, value in wanted.parameters.items()
    )
    checks = [
        _check("consent_nickname", "닉네임", "Nickname")
        if "profile_nickname" in wanted.scopes
        else "",
        _check("consent_email", "카카오계정(이메일)", "E-mail")
        if "account_email" in wanted.scopes
        else "",
    ]
    consents = (
        "<h2>동의 항목<small>What the app may see</small></h2>"
        f"<fieldset>{''.join(checks)}</fieldset>"
        if any(checks)
        else ""
    )
    made_up = [person for person in people if person.key is None]
    offered = [*(person for person in people if person.key), *made_up[-MADE_UP_MAX:]]
    if known is not None and known not in offered:
        offered.append(known)
    buttons = "".join(f"<li>{_person_button(person, person == known)}</li>" for person in offered)
    return _page(
        "카카오 로그인",
        f"""<h1>누구로 로그인할까요?</h1><p class=en>Who is signing in?</p>
<form method=post action="/oauth/authorize/decision">{hidden}
<button class=default name=person value=new tabindex=-1 aria-hidden=true></button>
{consents}
<h2>계정 선택<small>Choose an account</small></h2><ul>{buttons}</ul>
<details><summary>새 사람 만들기 <small>Make somebody up</small></summary>
<label class=field>닉네임 <small>Nickname</small>
<input name=nickname maxlength=20 required autocomplete=off></label>
<label class=field>이메일 (선택) <small>E-mail, optional</small>
<input name=email type=email maxlength=254 autocomplete=off></label>
<button class=main name=person value=new>만들고 계속하기 <small>Continue</small></button></details>
<button class=quiet name=action value=cancel formnovalidate>취소 <small>Cancel</small></button>
</form>""",
    )


def manage(links: Iterable[tuple[Person, Link]], result: str | None) -> str:
    """The page of the services one is connected with; ``result`` is of the last unlinking."""
    rows = "".join(_link_row(person, link) for person, link in links)
    notes = {
        "ok": "<p class=note>연결을 끊었습니다. <small>Unlinked.</small></p>",
        "failed": "<p class='note bad'>연결을 끊었지만 앱의 콜백이 실패했습니다. "
        "<small>Unlinked, but the app's callback failed.</small></p>",
    }
    empty = "<p>연결된 사람이 없습니다. <small>Nobody is connected.</small></p>"
    return _page(
        "연결된 서비스 관리",
        f"""<h1>연결된 서비스 관리</h1><p class=en>Manage connected services</p>
{notes.get(result or "", "")}{f"<ul>{rows}</ul>" if rows else empty}""",
    )


def error(code: str, message: str) -> str:
    """Kakao's error page, with its code and what was wrong."""
    return _page(
        f"오류 {code}",
        f"""<h1>잘못된 요청입니다 ({escape(code)})</h1><p class=en>The request was not right.</p>
<p><code>{escape(message)}</code></p>
<p><small>developers.kakao.com → Kakao Login → Error code</small></p>""",
    )


def _page(title: str, content: str) -> str:
    return (
        "<!doctype html><html lang=ko><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        "<main><header><span class=logo>kakao</span>"
        f"<span class=badge>연습용 · stand-in</span></header>{content}</main></html>"
    )


def _check(name: str, korean: str, english: str) -> str:
    return (
        f'<label class=check><input type=checkbox name={name} value="on" checked>'
        f"<span>{korean}<small>{english}</small></span></label>"
    )


def _face(person: Person) -> str:
    background, colour = _COLOURS[person.id % len(_COLOURS)]
    initial = escape(person.nickname[0].upper())
    return (
        f'<span class=face style="background:{background};color:{colour}" aria-hidden=true>'
        f"{initial}</span>"
    )


def _person_button(person: Person, known: bool) -> str:
    return (
        f"<button class='person{' known' if known else ''}' name=person "
        f'value="{escape(person.key or str(person.id))}" formnovalidate>{_face(person)}'
        f"<span class=who>{escape(person.nickname)}"
        f"<small>{escape(person.email or '이메일 없음 · no e-mail')}</small></span></button>"
    )


def _link_row(person: Person, link: Link) -> str:
    consents = [
        name for name, given in (("닉네임", link.nickname), ("이메일", link.email)) if given
    ]
    return f"""<li class=row><div class=top>{_face(person)}<span class=who>{escape(person.nickname)}
<small>{" · ".join(consents) or "동의 없음"} · {person.id}</small></span></div>
<form class=actions method=post action="/manage/unlink">
<input type=hidden name=person value="{person.id}">
<button name=referrer_type value=UNLINK_FROM_APPS>연결 끊기<small>Unlink</small></button>
<button class=danger name=referrer_type value=ACCOUNT_DELETE>계정 삭제<small>Delete account</small>
</button></form></li>"""
