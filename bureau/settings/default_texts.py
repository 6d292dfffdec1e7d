"""Long texts of settings as they are before the office edits them."""

from __future__ import annotations

#: By articles 23 and 24 of the People's Mediation Law (人民调解法).
RIGHTS_AND_DUTIES = """当事人在调解中享有下列权利：
一、选择或者接受人民调解员；
二、接受调解、拒绝调解或者要求终止调解；
三、要求调解公开进行或者不公开进行；
四、自主表达意愿、自愿达成调解协议。
当事人在调解中履行下列义务：
一、如实陈述纠纷事实；
二、遵守调解现场秩序，尊重调解员；
三、尊重对方当事人行使权利。
调解不收取费用。达成协议的，应当按照约定履行；不愿调解、调解不成或者反悔的，可以依法通过仲裁、行政、司法等途径维护权利。"""
