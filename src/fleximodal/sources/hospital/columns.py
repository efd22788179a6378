"""The columns of every table, in the order in which they are shipped.

A path here is relative to the hospital's folder and lacks its ending: `.csv.gz`, but `.csv` for
those of MIMIC-IV-ECG.
"""

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum"),
    *("Fracture", "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion"),
    *("Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices"),
)

_NOTE = "note_id subject_id hadm_id note_type note_seq charttime storetime text"

_COLUMNS = {
    "mimic-iv/hosp/patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
    "mimic-iv/hosp/admissions": (
        "subject_id hadm_id admittime dischtime deathtime admission_type admit_provider_id "
        "admission_location discharge_location insurance language marital_status race edregtime "
        "edouttime hospital_expire_flag"
    ),
    "mimic-iv/hosp/diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
    "mimic-iv/hosp/d_icd_diagnoses": "icd_code icd_version long_title",
    "mimic-iv/hosp/d_labitems": "itemid label fluid category",
    "mimic-iv/hosp/labevents": (
        "labevent_id subject_id hadm_id specimen_id itemid order_provider_id charttime storetime "
        "value valuenum valueuom ref_range_lower ref_range_upper flag priority comments"
    ),
    "mimic-iv/icu/icustays": (
        "subject_id hadm_id stay_id first_careunit last_careunit intime outtime los"
    ),
    "mimic-iv/icu/d_items": (
        "itemid label abbreviation linksto category unitname param_type lownormalvalue "
        "highnormalvalue"
    ),
    "mimic-iv/icu/chartevents": (
        "subject_id hadm_id stay_id caregiver_id charttime storetime itemid value valuenum "
        "valueuom warning"
    ),
    "mimic-iv-note/note/radiology": _NOTE,
    "mimic-iv-note/note/discharge": _NOTE,
    "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata": (
        "dicom_id subject_id study_id PerformedProcedureStepDescription ViewPosition Rows Columns "
        "StudyDate StudyTime ProcedureCodeSequence_CodeMeaning ViewCodeSequence_CodeMeaning "
        "PatientOrientationCodeSequence_CodeMeaning"
    ),
    "mimic-cxr-jpg/mimic-cxr-2.0.0-split": "dicom_id study_id subject_id split",
    "mimic-iv-ecg/record_list": "subject_id study_id file_name ecg_time path",
    "mimic-iv-ecg/machine_measurements": (
        f"subject_id study_id cart_id ecg_time {' '.join(f'report_{i}' for i in range(18))} "
        "bandwidth filtering rr_interval p_onset p_end qrs_onset qrs_end t_end p_axis qrs_axis "
        "t_axis"
    ),
    "mimic-iv-ecg/waveform_note_links": (
        "subject_id study_id waveform_path note_id note_seq charttime"
    ),
    "mimic-iii/ADMISSIONS": (
        "ROW_ID SUBJECT_ID HADM_ID ADMITTIME DISCHTIME DEATHTIME ADMISSION_TYPE ADMISSION_LOCATION "
        "DISCHARGE_LOCATION INSURANCE LANGUAGE RELIGION MARITAL_STATUS ETHNICITY EDREGTIME "
        "EDOUTTIME DIAGNOSIS HOSPITAL_EXPIRE_FLAG HAS_CHARTEVENTS_DATA"
    ),
    "mimic-iii/PATIENTS": "ROW_ID SUBJECT_ID GENDER DOB DOD DOD_HOSP DOD_SSN EXPIRE_FLAG",
    "mimic-iii/ICUSTAYS": (
        "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID DBSOURCE FIRST_CAREUNIT LAST_CAREUNIT FIRST_WARDID "
        "LAST_WARDID INTIME OUTTIME LOS"
    ),
    "mimic-iii/CHARTEVENTS": (
        "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID ITEMID CHARTTIME STORETIME CGID VALUE VALUENUM "
        "VALUEUOM WARNING ERROR RESULTSTATUS STOPPED"
    ),
    "mimic-iii/LABEVENTS": (
        "ROW_ID SUBJECT_ID HADM_ID ITEMID CHARTTIME VALUE VALUENUM VALUEUOM FLAG"
    ),
    "mimic-iii/OUTPUTEVENTS": (
        "ROW_ID SUBJECT_ID HADM_ID ICUSTAY_ID CHARTTIME ITEMID VALUE VALUEUOM STORETIME CGID "
        "STOPPED NEWBOTTLE ISERROR"
    ),
    "mimic-iii/DIAGNOSES_ICD": "ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "mimic-iii/D_ICD_DIAGNOSES": "ROW_ID ICD9_CODE SHORT_TITLE LONG_TITLE",
    "mimic-iii/D_ITEMS": (
        "ROW_ID ITEMID LABEL ABBREVIATION DBSOURCE LINKSTO CATEGORY UNITNAME PARAM_TYPE CONCEPTID"
    ),
    "mimic-iii/D_LABITEMS": "ROW_ID ITEMID LABEL FLUID CATEGORY LOINC_CODE",
    "mimic-iii/NOTEEVENTS": (
        "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CHARTTIME STORETIME CATEGORY DESCRIPTION CGID ISERROR "
        "TEXT"
    ),
}
COLUMNS: dict[str, tuple[str, ...]] = {
    **{path: tuple(names.split()) for path, names in _COLUMNS.items()},
    "mimic-cxr-jpg/mimic-cxr-2.0.0-chexpert": ("subject_id", "study_id", *FINDINGS),
}
