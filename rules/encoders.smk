"""Encoders: one vector per note, image, ECG or admission's codes; run once, frozen."""


rule train_ecg_autoencoder:
    """Train the ECG autoencoder on patients who are in train in every split by patient."""
    input:
        canonical=canonical_files("{source}"),
        patients="<results>/cohorts/{source}/patients/patients.parquet",
    output:
        weights="<results>/encoders/{source}/ecg_autoencoder/autoencoder.safetensors",
        history="<results>/encoders/{source}/ecg_autoencoder/history.csv",
        fitted="<results>/encoders/{source}/ecg_autoencoder/fitted_patients.parquet",
        reconstruction="<results>/encoders/{source}/ecg_autoencoder/reconstruction.json",
    log:
        "<logs>/train_ecg_autoencoder/{source}.log",
    benchmark:
        "<results>/benchmarks/train_ecg_autoencoder/{source}.tsv"
    conda:
        "../envs/encoders.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=720,
    params:
        code=code("train_ecg_autoencoder"),
        settings=CONFIG.encoders.ecg.model_dump(mode="json"),
        folder=lambda wildcards: module_folder(wildcards.source, "ecg"),
        state=lambda wildcards: f"{CONFIG.pathvars.results}/state/encoders/{wildcards.source}/ecg_autoencoder",
    script:
        "../workflow/scripts/train_ecg_autoencoder.py"


rule encode_items:
    """Encode every item of one kind; an interrupted run goes on where it stopped."""
    input:
        canonical=canonical_files("{source}"),
        patients=lambda wildcards: (
            f"<results>/cohorts/{wildcards.source}/patients/patients.parquet"
            if wildcards.encoded == "codes"
            else []
        ),
        autoencoder=lambda wildcards: (
            f"<results>/encoders/{wildcards.source}/ecg_autoencoder/autoencoder.safetensors"
            if wildcards.encoded == "ecg"
            else []
        ),
    output:
        index="<results>/encoders/{source}/{encoded}/items.parquet",
        vectors="<results>/encoders/{source}/{encoded}/vectors.safetensors",
    log:
        "<logs>/encode_items/{source}/{encoded}.log",
    benchmark:
        "<results>/benchmarks/encode_items/{source}/{encoded}.tsv"
    conda:
        "../envs/encoders.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=4000,
        runtime=1440,
    params:
        code=code("encode_items"),
        settings=lambda wildcards: encoder_settings(wildcards.encoded),
        folder=lambda wildcards: module_folder(wildcards.source, wildcards.encoded),
        state=lambda wildcards: f"{CONFIG.pathvars.results}/state/encoders/{wildcards.source}/{wildcards.encoded}",
    script:
        "../workflow/scripts/encode_items.py"
