"""The 25 phenotypes of the generated hospital and the diagnosis codes they leave: figures only.

Prevalences are those of the MIMIC-III benchmark (train part). Codes were chosen so that each leads
to its own category alone, whichever row of the ICD-10 to ICD-9 mapping is used; the exception is
I10, the only ICD-10 code of its category, which also has a row in category 99.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phenotype:
    """One phenotype: CCS category, prevalence, effects of severity and of one private state."""

    ccs: int
    name: str
    prevalence: float
    modality: str
    on_u: float
    on_w: float
    icd9: tuple[str, ...]
    icd10: tuple[str, ...]


def _phenotype(
    ccs: int, name: str, prevalence: float, of: str, on_u: float, on_w: float, nine: str, ten: str
) -> Phenotype:
    return Phenotype(ccs, name, prevalence, of, on_u, on_w, tuple(nine.split()), tuple(ten.split()))


PHENOTYPES = (
    _phenotype(2, "Septicemia", 0.143, "vitals", 1.4, 1.4,
               "0389 99591 99592 0388", "A419 R6520 A4151"),
    _phenotype(49, "Diabetes mellitus without complication", 0.193, "vitals", 0.0, 1.3,
               "25000 24900", "E119 E109"),
    _phenotype(50, "Diabetes mellitus with complications", 0.095, "vitals", 0.4, 1.4,
               "25060 25040 25050", "E1165 E1122"),
    _phenotype(53, "Disorders of lipid metabolism", 0.291, "notes", -0.3, 1.1,
               "2724 2720 2722", "E785 E782 E784"),
    _phenotype(55, "Fluid and electrolyte disorders", 0.269, "vitals", 1.0, 1.3,
               "2761 2762 27651 2767", "E871 E872 E860 E875"),
    _phenotype(98, "Essential hypertension", 0.419, "notes", -0.3, 1.0, "4019 4011", "I10"),
    _phenotype(99, "Hypertension with complications", 0.133, "notes", 0.4, 1.4,
               "40390 40391 4010 40291", "I120 I129 I1310 I110"),
    _phenotype(100, "Acute myocardial infarction", 0.103, "ecg", 0.6, 2.1,
               "41071 41041 41001", "I214 I2109 I2119"),
    _phenotype(101, "Coronary atherosclerosis and other heart disease", 0.322, "ecg", 0.1, 1.8,
               "41401 4139 41400 412", "I259 I252 I209"),
    _phenotype(105, "Conduction disorders", 0.072, "ecg", 0.3, 2.2,
               "42613 4260 4264 V4501", "I440 I442 I447 Z950"),
    _phenotype(106, "Cardiac dysrhythmias", 0.321, "ecg", 0.6, 1.9,
               "42731 42789 4271 42732", "I4891 I480 I482 I4892 I471"),
    _phenotype(108, "Congestive heart failure; nonhypertensive", 0.268, "cxr", 0.7, 1.9,
               "4280 42833 42822 42832", "I509 I5023 I5033"),
    _phenotype(109, "Acute cerebrovascular disease", 0.075, "notes", 0.6, 1.9,
               "43491 431 430 43411", "I639 I619 I609 I6350"),
    _phenotype(122, "Pneumonia", 0.139, "cxr", 1.0, 2.1,
               "486 48241 4829 48282", "J189 J159 J15212"),
    _phenotype(127, "Chronic obstructive pulmonary disease", 0.131, "cxr", 0.3, 1.6,
               "496 49121 4941 49120", "J449 J479"),
    _phenotype(130, "Pleurisy; pneumothorax; pulmonary collapse", 0.087, "cxr", 0.4, 2.1,
               "5119 5180 51189", "J90 J9811 J9383 J942"),
    _phenotype(131, "Respiratory failure; insufficiency; arrest", 0.181, "vitals", 1.5, 1.3,
               "51881 51882 5185 51884", "J9601 J9600 J9620 J80"),
    _phenotype(133, "Other lower respiratory disease", 0.051, "cxr", 0.3, 1.8,
               "78609 5184 7862 515", "J811 R05 J8410 R0602"),
    _phenotype(134, "Other upper respiratory disease", 0.040, "notes", 0.1, 1.8,
               "4781 47874 5191 51919", "J387 J398 J3489 R040"),
    _phenotype(151, "Other liver diseases", 0.089, "vitals", 0.8, 1.4,
               "5722 5723 5728", "K7290 K766 K767 K7460"),
    _phenotype(153, "Gastrointestinal hemorrhage", 0.072, "notes", 0.4, 1.8,
               "5789 5781 53240", "K922 K921 K254"),
    _phenotype(157, "Acute and unspecified renal failure", 0.214, "vitals", 1.3, 1.4,
               "5849 5845 586", "N179 N170 N19"),
    _phenotype(158, "Chronic kidney disease", 0.134, "vitals", 0.4, 1.6,
               "5859 5856 5853", "N189 N186"),
    _phenotype(238, "Complications of surgical procedures or medical care", 0.207, "notes",
               0.6, 1.4, "99859 9971 99811", "T814XXA I97190"),
    _phenotype(249, "Shock", 0.078, "vitals", 1.8, 1.3, "78552 78551 78559", "R579 R570 R571"),
)  # fmt: skip

# Codes in none of the 25 categories; 00845 and 07070 begin with zeros that must not get lost.
OTHER_ICD9 = tuple(
    "V5861 2851 2859 00845 07070 311 30000 2449 53081 V1582 V5866 5990 E8788 27800 32723 3051 "
    "70703".split()
)
OTHER_ICD10 = tuple(
    "D649 D62 F329 F419 E039 K219 Z87891 Z7901 N390 E669 G4733 F17210 B182 A0472 Z66".split()
)

# Codes younger than the mapping: only given beside a code of the category they belong to.
YOUNG_ICD10 = {53: "E7800", 106: "I4820", 158: "N1830"}
