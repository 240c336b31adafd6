"""The properties that every new portal has, by object type, and those that HubSpot's Salesforce connector adds."""

from __future__ import annotations

from syncd.sandbox.hubspot.definitions import FIELD_TYPES, KINDS, ObjectKind, Option, Property

_LIFECYCLE = (
    "subscriber:Subscriber|lead:Lead|marketingqualifiedlead:Marketing Qualified Lead|salesqualifiedlead:Sales "
    "Qualified Lead|opportunity:Opportunity|customer:Customer|evangelist:Evangelist|other:Other"
)
_COMPANY_TYPES = "PROSPECT:Prospect|PARTNER:Partner|RESELLER:Reseller|VENDOR:Vendor|OTHER:Other"
_DEAL_TYPES = "newbusiness:New Business|existingbusiness:Existing Business"
_LEAD_STATUS = (
    "NEW:New|OPEN:Open|IN_PROGRESS:In Progress|OPEN_DEAL:Open Deal|UNQUALIFIED:Unqualified|ATTEMPTED_TO_CONTACT:"
    "Attempted to Contact|CONNECTED:Connected|BAD_TIMING:Bad Timing"
)
_INDUSTRIES = (
    "ACCOUNTING AIRLINES_AVIATION AUTOMOTIVE BANKING BIOTECHNOLOGY CHEMICALS COMPUTER_SOFTWARE CONSTRUCTION "
    "CONSUMER_ELECTRONICS CONSUMER_GOODS EDUCATION_MANAGEMENT ELECTRICAL_ELECTRONIC_MANUFACTURING FINANCIAL_SERVICES "
    "FOOD_BEVERAGES GOVERNMENT_ADMINISTRATION HIGHER_EDUCATION HOSPITAL_HEALTH_CARE INDUSTRIAL_AUTOMATION "
    "INFORMATION_TECHNOLOGY_AND_SERVICES INSURANCE INTERNET LAW_PRACTICE LEGAL_SERVICES LOGISTICS_AND_SUPPLY_CHAIN "
    "MACHINERY MANAGEMENT_CONSULTING MEDIA_PRODUCTION OIL_ENERGY PHARMACEUTICALS REAL_ESTATE RETAIL TELECOMMUNICATIONS "
    "UTILITIES WHOLESALE"
)
SALESFORCE_PROPERTIES: dict[str, tuple[str, ...]] = {
    "companies": ("salesforceaccountid", "salesforcelastsynctime", "salesforcedeleted"),
    "contacts": ("salesforcecontactid", "salesforceleadid", "salesforcelastsynctime", "salesforcedeleted"),
    "deals": ("hs_salesforceopportunityid", "salesforcelastsynctime", "salesforcedeleted"),
}
"""What the Salesforce connector adds to an object when it is installed; the ids are read-only to the API."""


def choices(text: str) -> tuple[Option, ...]:
    """Options from `value:Label|value:Label`, or from bare values, which get a label made of themselves."""
    if ":" in text:
        return tuple(Option(label, value) for value, label in (pair.split(":") for pair in text.split("|")))
    return tuple(Option(value.replace("_", " ").title(), value) for value in text.split())


def made(
    name: str,
    kind: str = "string",
    label: str = "",
    *,
    read_only: bool = False,
    options: str = "",
    unique: bool = False,
) -> Property:
    """A standard property."""
    reference = "OWNER" if name == "hubspot_owner_id" else None
    label = label or name.removeprefix("hs_").replace("_", " ").capitalize()
    return Property(name, kind, FIELD_TYPES[kind], label, read_only, reference, choices(options), unique=unique)


def salesforce_property(name: str) -> Property:
    """A property that the Salesforce connector adds."""
    kind = "datetime" if name == "salesforcelastsynctime" else "bool" if name == "salesforcedeleted" else "string"
    return made(name, kind, name.replace("salesforce", "Salesforce "), read_only=True)


def _common(kind: ObjectKind) -> tuple[Property, ...]:
    return (
        made("createdate", "datetime", "Create Date", read_only=True),
        made(kind.stamp, "datetime", "Last Modified Date", read_only=True),
        made("hs_object_id", "number", "Record ID", read_only=True),
        made("hubspot_owner_id", "enumeration", "Owner"),
        made("hubspot_owner_assigneddate", "datetime", "Owner Assigned Date", read_only=True),
        made("hubspot_team_id", "enumeration", "HubSpot Team", read_only=True),
        made("hs_all_owner_ids", "enumeration", "All owner ids", read_only=True),
        made("hs_created_by_user_id", "number", "Created by user ID", read_only=True),
        made("hs_updated_by_user_id", "number", "Updated by user ID", read_only=True),
        made("hs_merged_object_ids", "enumeration", "Merged record IDs", read_only=True),
        made("hs_object_source", "string", "Record source", read_only=True),
        made("hs_object_source_id", "string", "Record source ID", read_only=True),
        made("notes_last_updated", "datetime", "Last Activity Date", read_only=True),
    )


_OWN: dict[str, tuple[Property, ...]] = {
    "companies": (
        *(
            made(name)
            for name in ("name", "domain", "website", "phone", "country", "state", "city", "zip", "description")
        ),
        made("industry", "enumeration", options=_INDUSTRIES),
        made("type", "enumeration", options=_COMPANY_TYPES),
        made("lifecyclestage", "enumeration", "Lifecycle Stage", options=_LIFECYCLE),
        made("numberofemployees", "number", "Number of Employees"),
        made("annualrevenue", "number", "Annual Revenue"),
        made("hs_parent_company_id", "number", "Parent Company"),
    ),
    "deals": (
        made("dealname", label="Deal Name"),
        made("dealstage", "enumeration", "Deal Stage"),
        made("pipeline", "enumeration", "Pipeline"),
        made("dealtype", "enumeration", "Deal Type", options=_DEAL_TYPES),
        made("amount", "number", "Amount"),
        made("closedate", "datetime", "Close Date"),
        made("hs_is_closed", "bool", read_only=True),
        made("hs_is_closed_won", "bool", read_only=True),
        made("hs_deal_stage_probability", "number", read_only=True),
        made("hs_primary_associated_company", "number", read_only=True),
        made("deal_currency_code", "enumeration", "Currency"),
    ),
    "contacts": (
        made("email", unique=True),
        *(
            made(name)
            for name in ("firstname", "lastname", "company", "phone", "country", "state", "city", "zip", "website")
        ),
        *(made(name) for name in ("industry", "numemployees", "jobtitle")),
        made("hs_analytics_source", read_only=True),
        made("associatedcompanyid", "number", "Primary Associated Company ID", read_only=True),
        made("lifecyclestage", "enumeration", "Lifecycle Stage", options=_LIFECYCLE),
        made("hs_lead_status", "enumeration", "Lead Status", options=_LEAD_STATUS),
        made("hs_calculated_merged_vids", "string", "Merged record IDs with timestamps", read_only=True),
    ),
    "leads": (
        made("hs_lead_name"),
        made("hs_lead_label", "enumeration", options="HOT WARM COLD"),
        made("hs_lead_type", "enumeration", options="NEW_BUSINESS UPSELL RE_ATTEMPTING"),
        made("hs_pipeline", "enumeration", "Pipeline"),
        made("hs_pipeline_stage", "enumeration", "Lead Stage"),
    ),
    "tickets": (
        made("subject"),
        made("content"),
        made("hs_pipeline", "enumeration", "Pipeline"),
        made("hs_pipeline_stage", "enumeration", "Ticket status"),
    ),
    "tasks": (
        made("hs_task_subject", label="Task Title"),
        made("hs_task_body", label="Task Notes"),
        made(
            "hs_task_status", "enumeration", "Task Status", options="NOT_STARTED IN_PROGRESS WAITING COMPLETED DEFERRED"
        ),
        made("hs_task_priority", "enumeration", options="NONE LOW MEDIUM HIGH"),
        made("hs_task_type", "enumeration", options="TODO CALL EMAIL"),
        made("hs_timestamp", "datetime", "Due date"),
    ),
}

DEFINITIONS: dict[str, dict[str, Property]] = {
    kind.name: {prop.name: prop for prop in (*_common(kind), *_OWN[kind.name])} for kind in KINDS
}
"""Property definitions by object and name, as a new portal has them."""
