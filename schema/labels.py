"""Further headers of columns in the files that offices keep, where there are many. The label of a column itself stands
with its declaration."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MOBILE = _words("手机号 手机号码 联系电话 移动电话 联系手机 联系方式 联系号码 电话 电话号码 本人手机")
STREET_NAME = _words("街道 街道名称 街道（镇） 镇街 镇（街道） 乡镇街道 街镇 所属镇街")
DEPARTMENT_NAME = _words("部门 部门名称 协同部门 单位 单位名称")
DEPARTMENT_PHONE = _words("联系电话 联系方式 电话号码 办公电话 固定电话 座机")
COMMUNITY_NAME = _words("社区 社区名称 社区（村） 村（社区） 村居 村社 居委会 社区居委会")
COMMUNITY_SQUAD = _words("所属分队 管辖分队 责任分队 辖区分队 联系分队")
COMMUNITY_ADDRESS = _words("社区地址 办公地址 详细地址 居委会地址 办公地点")
COMMUNITY_ALIAS_NAMES = _words("别名 简称 又名 俗称 曾用名")
LIAISON_NAME = _words(
    "联络员 联络员姓名 联络人 联络人姓名 联系人 联系人姓名 人员姓名 现联络员 现任联络员 新任联络员 新联络员"
)
LIAISON_TELEPHONE = _words("固定电话 固话 座机 座机号 座机号码 座机电话 办公座机 办公室电话 单位电话 社区电话")
LIAISON_START_ON = _words("起始时间 任职时间 开始日期 上任时间 到任时间 就任时间 上岗时间 聘任时间 任职起始时间")
LIAISON_END_ON = _words("离任时间 结束时间 卸任时间 离职时间 调离时间 任职结束时间 终止时间")
ACCOUNT = _words("用户名 登录名 登录账号 系统账号 帐号")
OFFICER_NAME = _words("队员 队员姓名 执法人员 执法人员姓名 人员姓名")
OFFICER_KIND = _words("人员类别 人员类型 人员性质 队员类别 队员类型 人员身份")
OFFICER_BADGE_NO = _words("证号 执法证编号 执法证件号 执法证号码 执法证件编号 行政执法证号 证件号码 证件编号 证件号")
CHECKLISTITEM_LIST_KIND = _words("清单 清单类别 清单类型 清单名称 所属清单")
CHECKLISTITEM_LEGAL_BASIS = _words("法规依据 法律法规依据 执法依据 处罚依据 设定依据 依据")
CHECKLISTITEM_DEPARTMENT = _words("牵头单位 主管部门 责任部门 主责部门 责任单位 牵头责任部门")
CHECKLISTITEM_LIMIT_VALUE = _words("时限 办理时限 处置时限 处理时限 完成时限 办结时限 办理期限 处置期限")
CASE_REPORTED_AT = _words(
    "上报时间 发生时间 登记时间 接报时间 报告时间 投诉时间 来电时间 发现时间 诉求时间 日期 来访时间 来信时间 "
    "信访时间 交办时间 转办时间 排查时间 巡查时间"
)
CASE_SOURCE = _words("案件来源 问题来源 诉求来源 信息来源 线索来源 来源渠道 受理渠道 投诉渠道 渠道 信访形式 信访方式")
CASE_PLACE = _words(
    "地址 事发地点 发生地点 案发地点 具体地点 问题地点 事发地址 详细地址 具体位置 位置 位置描述 地点描述 发生位置 "
    "事件位置 案发地址 纠纷地点"
)
CASE_DESCRIPTION = _words(
    "描述 问题描述 诉求内容 反映内容 投诉内容 问题内容 主要内容 诉求描述 事项描述 案情描述 案件描述 情况描述 "
    "反映问题 反映事项 投诉事项 诉求事项 主要诉求 简要情况 基本案情 案情简介 工单内容 内容 案情 简要案情 事件描述 "
    "信访内容 举报内容 交办问题 问题简述 纠纷情况 纠纷简要情况 纠纷事由 矛盾纠纷简要情况"
)
CASE_DUE_AT = _words("到期 截止时间 办结期限 应办结时间 承诺完成时间 承诺办结时间 要求完成时间 要求办结时间")
CASE_CLOSED_AT = _words("结案时间 办理完成时间 办毕时间 完结时间 完成时间 整改完成时间 化解时间")
CASE_LEAD_OFFICER = _words("主办 主办人 主办人员 经办人 责任队员 办案人员 联居队员")
CASE_RESULT = _words("处理结果 办理结果 处置结果 办理情况 处理情况 处置情况 办结情况 答复内容 处理意见 办理意见")
CASE_HOTLINE_NO = _words("工单号 工单编号 12345工单编号 12345编号 热线工单号 热线编号")
REFERRAL_DOCUMENT_NO = _words("移送文号 移送文书号 文号 函号 移送函号 文书编号 发文字号 公函号")
REFERRAL_DEPARTMENT = _words(
    "部门 协同部门 移送部门 移送单位 接收部门 接收单位 受移送部门 受移送单位 抄告部门 抄告单位 协办部门 联动部门"
)
REFERRAL_REQUEST = _words("移送事由 移送事项 移送内容 移送原因 移送理由 协办事项 请求事项")
REFERRAL_SENT_AT = _words("发出 移送时间 发送时间 发函时间 发文时间 抄告时间 移交时间")
REFERRAL_REPLY = _words("反馈情况 反馈结果 反馈意见 回复内容 回复情况 答复内容 处理结果 办理结果 处理情况 办理情况")
ORDER_CONTENT = _words("诉求内容 工单内容 问题描述 反映内容 来电内容 诉求描述 内容 事项描述 问题内容")
ORDER_PLACE = _words("地点 事发地址 事发地点 诉求地址 问题地址 发生地点 详细地址 地址 诉求地点")
ORDER_CALLED_AT = _words("来电时间 受理时间 登记时间 诉求时间 创建时间 反映时间 来话时间 工单受理时间")
ORDER_SENT_AT = _words("派单时间 下派时间 转办时间 交办时间 派发时间 工单派发时间 分派时间 转派时间")
ORDER_REPLY_BY = _words(
    "办理时限 办结时限 回复时限 处理时限 截止时间 办理截止时间 办结截止时间 要求办结时间 反馈时限 承办期限 办理期限"
)
