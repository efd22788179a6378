"""The columns of every table, in order, as the dictionary of the study documents them."""

IDENTIFIERS = ("PHASE", "PTID", "RID", "VISCODE", "VISCODE2", "VISDATE")
SHORT = ("ID", "SITEID", "USERDATE", "USERDATE2", "update_stamp")
LONG = (*SHORT[:4], "DD_CRF_VERSION_LABEL", "LANGUAGE_CODE", "HAS_QC_ERROR", "update_stamp")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LANGUAGES = tuple(
    f"PTLANG{part}{number}" for number in range(1, 7) for part in ("PR", "SP", "RD", "WR", "UN")
)

COLUMNS = {
    "DXSUM_PDXCONV": (
        *_words("PHASE PTID RID VISCODE VISCODE2 EXAMDATE DIAGNOSIS DXNORM DXNODEP DXMCI DXMDES"),
        *_words("DXMPTR1 DXMPTR2 DXMPTR3 DXMPTR4 DXMPTR5 DXMPTR6 DXMDUE DXMOTHET DXDSEV DXDDUE"),
        *_words("DXAD DXAPP DXAPROB DXAPOSS DXPARK DXPDES DXPCOG DXPATYP DXDEP DXOTHDEM DXODES"),
        "DXCONFID",
        *LONG,
    ),
    "MEDHIST": (
        *IDENTIFIERS,
        *_words("MHSOURCE MHPSYCH MH2NEURL MH3HEAD MH4CARD MH5RESP MH6HEPAT MH7DERM MH8MUSCL"),
        *_words("MH9ENDO MH10GAST MH11HEMA MH12RENA MH13ALLE MH14ALCH MH14AALCH MH14BALCH"),
        *_words("MH14CALCH MH15DRUG MH15ADRUG MH15BDRUG MH16SMOK MH16ASMOK MH16BSMOK MH16CSMOK"),
        *_words("MH17MALI MH18SURG MH19OTHR MHCOMMEN"),
        *SHORT,
    ),
    "NEUROEXM": (
        *IDENTIFIERS,
        *_words("NXVISUAL NXAUDITO NXTREMOR NXCONSCI NXNERVE NXMOTOR NXFINGER NXHEEL NXSENSOR"),
        *_words("NXTENDON NXPLANTA NXGAIT NXOTHER NXABNORM"),
        *LONG,
    ),
    "PTDEMOG": (
        *IDENTIFIERS,
        *_words("PTSOURCE PTGENDER PTDOB PTDOBYY PTHAND PTMARRY PTEDUCAT PTWORKHS PTWORK PTNOTRT"),
        *_words("PTRTYR PTHOME PTTLANG PTPLANG PTADBEG PTCOGBEG PTADDX PTETHCAT PTRACCAT PTIDENT"),
        *_words("PTORIENT PTORIENTOT PTENGSPK PTNLANG PTENGSPKAGE PTCLANG PTLANGSP PTLANGWR"),
        *_words("PTSPTIM PTSPOTTIM"),
        *_LANGUAGES,
        *_words("PTLANGTTL PTETHCATH PTASIAN PTOPI PTBORN PTBIRPL PTIMMAGE PTIMMWHY PTBIRPR"),
        "PTBIRGR",
        *LONG,
    ),
    "RECCMEDS": (
        *IDENTIFIERS,
        *_words("RECNO CMMED CMMEDID CMUNITSID CMUNITS CMFREQID CMFREQNC CMROUTEID CMROUTE"),
        *_words("CMREASON CMEVNUM CMBGN CMBGNYR_DRVD CMCONT CMEND CMENDYR_DRVD"),
        *LONG,
    ),
    "VITALS": (
        *IDENTIFIERS,
        *_words("VSWEIGHT VSWTUNIT VSHEIGHT VSHTUNIT VSBPSYS VSBPDIA VSPULSE VSRESP VSTEMP"),
        *_words("VSTMPSRC VSTMPUNT VSHGTSC"),
        *LONG,
    ),
    "APOERES": (
        *_words("Phase PTID RID VISCODE APTESTDT APGEN1 APGEN2"),
        *_words("APVOLUME APRECEIVE APAMBTEMP APRESAMP APUSABLE"),
        *SHORT,
    ),
    "UPENNBIOMK_ROCHE_ELECSYS": _words(
        "PHASE RID VISCODE2 EXAMDATE BATCH RUNDATE ABETA40 ABETA42 TAU PTAU COMMENT update_stamp"
    ),
}
APOERES_GENOTYPE = (
    *_words("Phase PTID RID VISCODE GENOTYPE APTESTDT APVOLUME APRECEIVE APAMBTEMP APRESAMP"),
    "APUSABLE",
    *SHORT,
)


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list such as "10, 13-15"."""
    result: list[int] = []
    for part in text.split(", "):
        first, _, last = part.partition("-")
        result += range(int(first), int(last or first) + 1)
    return tuple(result)


_CORTICAL = _numbers(
    "10, 13-15, 23-26, 31, 32, 34-36, 38-40, 43-52, 54-60, 62, 72-74, 82-85, 90, 91, 93-95, "
    "97-99, 102-111, 113-119, 121, 129, 130"
)
_WITHOUT_10 = _CORTICAL[1:]
_SUBCORTICAL = _numbers(
    "1-9, 11, 12, 16-18, 21, 29, 30, 37, 42, 53, 61, 65, 66, 68-71, 75-77, 80, 88, 89, 96, 101, "
    "112, 120, 124, 125, 127, 128, 147-155"
)
_REGIONS = {
    "CV": _CORTICAL,
    "SA": (*_WITHOUT_10, 28),
    "SV": _SUBCORTICAL,
    "TA": _WITHOUT_10,
    "TS": _WITHOUT_10,
}
# The dictionary lists the regions in the order of their text (ST101SV before ST10CV).
REGION_COLUMNS = tuple(
    sorted([f"ST{n}{suffix}" for suffix, ns in _REGIONS.items() for n in ns] + ["ST87sa"])
)
QUALITY = _words("TEMPQC FRONTQC PARQC INSULAQC OCCQC BGQC CWMQC VENTQC HIPPOQC")
UCSFFSX7 = (
    *_words("PTID RID VISCODE VISCODE2 IMAGEUID FIELD_STRENGTH EXAMDATE RUNDATE STATUS FSVER"),
    "OVERALLQC",
    *QUALITY,
    *REGION_COLUMNS,
    "update_stamp",
)
