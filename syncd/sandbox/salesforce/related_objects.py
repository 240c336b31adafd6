"""Objects beside the main ones: sharing, history, queues, currencies, territories, sign-in state. Data, as in
standard_objects.py.

A line is `Name type[:length][>Target,Target] [w] [!] [=a|b|c]`. The flags are those of standard_objects.py and `delete`
(rows can be deleted, but go at once, not into the bin) and `history` (rows that only the platform writes).
The prefixes of the territory and currency objects are invented: no source was at hand.
"""

from __future__ import annotations

_ACCESS = "=None|Read|Edit|All"
_TERRITORY_ACCESS = "=None|Read|Edit|All|ReadWrite"
_HISTORY = """
Field picklist
DataType picklist
OldValue anyType
NewValue anyType
"""

_STAGE_HISTORY = """
OpportunityId reference>Opportunity
StageName picklist
Amount currency
ExpectedRevenue currency
CloseDate date
Probability percent
ForecastCategory picklist
"""

_OPPORTUNITY_SHARE = f"""
OpportunityId reference>Opportunity w !
UserOrGroupId reference>User,Group w !
OpportunityAccessLevel picklist w {_ACCESS}
RowCause picklist w =Owner|Manual|Rule|Team|ImplicitChild|Territory2AssociationManual
"""

_EVENT = """
Subject combobox:255 w
OwnerId reference>User,Group w !
AccountId reference>Account
WhatId reference>Account,Opportunity w
WhoId reference>Contact,Lead w
StartDateTime datetime w
EndDateTime datetime w
ActivityDate date w
IsAllDayEvent boolean w
IsArchived boolean
Description textarea:32000 w
"""

_TERRITORY = f"""
Name string:80 w !
DeveloperName string:80 w !
Territory2TypeId reference>Territory2Type w
Territory2ModelId reference>Territory2Model w
ParentTerritory2Id reference>Territory2 w
ForecastUserId reference>User w
Description textarea:1000 w
AccountAccessLevel picklist w {_TERRITORY_ACCESS}
CaseAccessLevel picklist w {_TERRITORY_ACCESS}
ContactAccessLevel picklist w {_TERRITORY_ACCESS}
OpportunityAccessLevel picklist w {_TERRITORY_ACCESS}
"""

_MODEL = """
Name string:80 w !
DeveloperName string:80 w !
State picklist =Planning|Active|Archived|Activating|ActivationFailed|Archiving|ArchivingFailed|Deleting|Cloning
Description textarea:1000 w
ActivatedDate datetime
DeactivatedDate datetime
LastRunRulesEndDate datetime
LastOppTerrAssignEndDate datetime
"""

_RULE = """
Territory2ModelId reference>Territory2Model w
ObjectType picklist w =Account|Lead
DeveloperName string:80 w !
MasterLabel string:80 w !
IsActive boolean w
BooleanFilter string:255 w
"""

_RULE_ITEM = """
RuleId reference>ObjectTerritory2AssignmentRule w !
Field picklist w !
Operation picklist w ! =equals|notEqual|lessThan|greaterThan|lessOrEqual|greaterOrEqual|contains|notContain|startsWith
Value string:255 w
SortOrder int w
"""

_TERRITORY_OF_RECORD = """
ObjectId reference>Account,Lead w !
Territory2Id reference>Territory2 w !
AssociationCause picklist w =Territory2AssignmentRule|Territory2Manual
SobjectType picklist =Account|Lead
"""

_TERRITORY_OF_USER = """
UserId reference>User w !
Territory2Id reference>Territory2 w !
RoleInTerritory2 picklist w
IsActive boolean
"""

_TERRITORY_OF_RULE = """
RuleId reference>ObjectTerritory2AssignmentRule w !
Territory2Id reference>Territory2 w !
IsInherited boolean
"""

RELATED_OBJECTS: dict[str, tuple[str, str, str]] = {
    "OpportunityShare": ("00t", "bin create update", _OPPORTUNITY_SHARE),
    "AccountHistory": ("017", "history", f"AccountId reference>Account\n{_HISTORY}"),
    "ContactHistory": ("017", "history", f"ContactId reference>Contact\n{_HISTORY}"),
    "LeadHistory": ("017", "history", f"LeadId reference>Lead\n{_HISTORY}"),
    "OpportunityFieldHistory": ("017", "history", f"OpportunityId reference>Opportunity\n{_HISTORY}"),
    "OpportunityHistory": ("008", "history", _STAGE_HISTORY),
    "Event": ("00U", "bin create update", _EVENT),
    "GroupMember": ("011", "create delete", "GroupId reference>Group w !\nUserOrGroupId reference>User,Group w !"),
    "QueueSobject": ("03g", "create delete", "QueueId reference>Group w !\nSobjectType picklist w ! =Lead|Task"),
    "UserLogin": ("0Yw", "update", "UserId reference>User\nIsFrozen boolean w\nIsPasswordLocked boolean w"),
    "CurrencyType": (
        "01L",
        "create update",
        "IsoCode picklist w !\nConversionRate double w !\nDecimalPlaces int w\nIsActive boolean w\nIsCorporate boolean",
    ),
    "DatedConversionRate": (
        "04w",
        "create update delete",
        "IsoCode picklist w !\nStartDate date w !\nNextStartDate date\nConversionRate double w !",
    ),
    "Territory2Model": ("0MA", "create update delete", _MODEL),
    "Territory2Type": (
        "0M5",
        "",
        "DeveloperName string:80\nMasterLabel string:80\nPriority int\nDescription string:1000",
    ),
    "Territory2": ("0MI", "create update delete", _TERRITORY),
    "UserTerritory2Association": (
        "0MK",
        "create update delete",
        _TERRITORY_OF_USER,
    ),
    "ObjectTerritory2Association": ("0MO", "bin create", _TERRITORY_OF_RECORD),
    "ObjectTerritory2AssignmentRule": ("0MR", "create update delete", _RULE),
    "ObjectTerritory2AssignmentRuleItem": ("0MS", "create delete", _RULE_ITEM),
    "RuleTerritory2Association": (
        "0MT",
        "create update delete",
        _TERRITORY_OF_RULE,
    ),
}
