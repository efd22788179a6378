"""Sources: raw files, real or generated, to canonical tables."""


rule generate_physionet2012:
    """Write the generated cohort in the layout of PhysioNet 2012."""
    output:
        expand(f"{RAW_COHORT}/set-{{letter}}.tar.gz", letter=SETS),
        expand(f"{RAW_COHORT}/Outcomes-{{letter}}.txt", letter=SETS),
        f"{RAW_COHORT}/splits-five-random.csv",
        f"{RAW_COHORT}/truth.json",
    log:
        "<logs>/generate_physionet2012/synthetic-physionet2012.log",
    benchmark:
        "<results>/benchmarks/generate_physionet2012/synthetic-physionet2012.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("generate_physionet2012"),
        settings=CONFIG.sources.synthetic.physionet2012.model_dump(mode="json"),
    script:
        "../workflow/scripts/generate_physionet2012.py"


rule generate_hospital:
    """Write the generated hospital in the layouts of MIMIC-IV and MIMIC-III."""
    output:
        core=directory(f"{RAW_HOSPITAL}/mimic-iv"),
        note=directory(f"{RAW_HOSPITAL}/mimic-iv-note"),
        cxr=directory(f"{RAW_HOSPITAL}/mimic-cxr-jpg"),
        ecg=directory(f"{RAW_HOSPITAL}/mimic-iv-ecg"),
        mimic3=directory(f"{RAW_HOSPITAL}/mimic-iii"),
        truth=f"{RAW_HOSPITAL}/truth.json",
    log:
        "<logs>/generate_hospital/synthetic-hospital.log",
    benchmark:
        "<results>/benchmarks/generate_hospital/synthetic-hospital.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        code=code("generate_hospital"),
        settings=CONFIG.sources.synthetic.hospital.model_dump(mode="json"),
    script:
        "../workflow/scripts/generate_hospital.py"


rule generate_adni:
    """Write the generated study of Alzheimer's disease in the layout of ADNI."""
    output:
        directory(expand(f"{RAW_ADNI}/{{folder}}", folder=ADNI_FOLDERS)),
        truth=f"{RAW_ADNI}/truth.json",
    log:
        "<logs>/generate_adni/synthetic-adni.log",
    benchmark:
        "<results>/benchmarks/generate_adni/synthetic-adni.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=code("generate_adni"),
        settings=CONFIG.sources.synthetic.adni.model_dump(mode="json"),
    script:
        "../workflow/scripts/generate_adni.py"


rule extract_physionet2012:
    """Read a release of PhysioNet 2012 and write its canonical tables."""
    input:
        release=physionet2012_files,
    output:
        canonical_files("{source}"),
    log:
        "<logs>/extract_physionet2012/{source}.log",
    benchmark:
        "<results>/benchmarks/extract_physionet2012/{source}.tsv"
    wildcard_constraints:
        source="(synthetic-)?physionet2012",
    conda:
        "../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=code("extract_physionet2012"),
        sizes=raw_sizes,
    script:
        "../workflow/scripts/extract_physionet2012.py"


rule extract_mimic4:
    """Read MIMIC-IV with the modules that are there and write its canonical tables."""
    input:
        raw=mimic4_files,
    output:
        canonical_files("{source}"),
    log:
        "<logs>/extract_mimic4/{source}.log",
    benchmark:
        "<results>/benchmarks/extract_mimic4/{source}.tsv"
    wildcard_constraints:
        source="(synthetic-)?mimic4",
    conda:
        "../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        code=code("extract_mimic4"),
        sizes=raw_sizes,
        folders=raw_folders,
        channels=CONFIG.sources.mimic4.channels,
        events=event_settings(CONFIG.sources.mimic4),
    script:
        "../workflow/scripts/extract_mimic4.py"


rule extract_mimic3:
    """Read MIMIC-III and write its canonical tables."""
    input:
        raw=mimic3_files,
    output:
        canonical_files("{source}"),
    log:
        "<logs>/extract_mimic3/{source}.log",
    benchmark:
        "<results>/benchmarks/extract_mimic3/{source}.tsv"
    wildcard_constraints:
        source="(synthetic-)?mimic3",
    conda:
        "../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        code=code("extract_mimic3"),
        sizes=raw_sizes,
        folders=raw_folders,
        events=event_settings(CONFIG.sources.mimic3),
    script:
        "../workflow/scripts/extract_mimic3.py"


rule extract_adni:
    """Read the raw files of ADNI and write its canonical tables."""
    input:
        raw=adni_files,
    output:
        canonical_files("{source}"),
    log:
        "<logs>/extract_adni/{source}.log",
    benchmark:
        "<results>/benchmarks/extract_adni/{source}.tsv"
    wildcard_constraints:
        source="(synthetic-)?adni",
    conda:
        "../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        code=code("extract_adni"),
        sizes=raw_sizes,
        folders=raw_folders,
        preparation=CONFIG.sources.adni.model_dump(mode="json", exclude={"folder"}),
    script:
        "../workflow/scripts/extract_adni.py"


rule download_physionet2012:
    """Fetch PhysioNet 2012 into the first data folder; run only when asked for by name."""
    output:
        f"{CONFIG.data_folders[0]}/physionet-challenge-2012/manifest.json",
    log:
        "<logs>/download_physionet2012/download.log",
    retries: 2
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        code=code("download_physionet2012"),
        base_address=CONFIG.sources.physionet2012.base_address,
    script:
        "../workflow/scripts/download_physionet2012.py"
