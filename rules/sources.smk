"""Sources: raw files, real or generated, to canonical tables."""


rule generate_release:
    """Write the generated cohort in the layout of PhysioNet 2012."""
    output:
        expand("<results>/raw/synthetic/set-{letter}.tar.gz", letter=SETS),
        expand("<results>/raw/synthetic/Outcomes-{letter}.txt", letter=SETS),
        "<results>/raw/synthetic/splits-five-random.csv",
        "<results>/raw/synthetic/truth.json",
    log:
        "<logs>/generate_release/synthetic.log",
    benchmark:
        "<results>/benchmarks/generate_release/synthetic.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("generate_release"),
        settings=CONFIG.sources.synthetic.model_dump(mode="json"),
    script:
        "../workflow/scripts/generate_release.py"


rule extract_release:
    """Read a release and write its canonical tables."""
    input:
        release=release_files,
    output:
        stays="<results>/canonical/{source}/stays.parquet",
        events="<results>/canonical/{source}/events.parquet",
        static="<results>/canonical/{source}/static.parquet",
        modalities="<results>/canonical/{source}/modalities.json",
        counts="<results>/canonical/{source}/counts.json",
    log:
        "<logs>/extract_release/{source}.log",
    benchmark:
        "<results>/benchmarks/extract_release/{source}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=code("extract_release"),
    script:
        "../workflow/scripts/extract_release.py"


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
