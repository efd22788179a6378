"""Jobs that fail as jobs on a cluster do. Each attempt writes a line to NAME.attempts."""


rule all:
    """All but the endless job, which is there to be cancelled."""
    input:
        "fail_once.txt",
        "fail_always.txt",
        "need_memory.txt",
        "need_time.txt",
        "ask_gpu_a.txt",
        "ask_gpu_b.txt",


rule fail_once:
    """Fail at the first attempt for a reason that is over at the second."""
    output:
        "fail_once.txt",
    resources:
        mem_mb=700,
        runtime=5,
    shell:
        """
        echo "$SLURM_JOB_ID" >> fail_once.attempts
        [ "$(wc -l < fail_once.attempts)" -ge 2 ]
        touch {output}
        """


rule fail_always:
    """Fail at every attempt."""
    output:
        "fail_always.txt",
    resources:
        mem_mb=700,
        runtime=5,
    shell:
        """
        echo "$SLURM_JOB_ID" >> fail_always.attempts
        false
        """


rule need_memory:
    """Hold 900 MB, more than the first attempt has, for longer than Slurm takes to look again."""
    output:
        "need_memory.txt",
    shell:
        """
        scontrol -o show job "$SLURM_JOB_ID" | grep -o 'MinMemoryNode=[0-9]*' >> need_memory.attempts
        python3 -c 'import time; held = b"x" * (900 << 20); time.sleep(5); print(len(held))' > {output}
        """


rule need_time:
    """Hang where one minute is all there is."""
    output:
        "need_time.txt",
    resources:
        mem_mb=700,
    shell:
        """
        scontrol -o show job "$SLURM_JOB_ID" | grep -o 'TimeLimit=[0-9:]*' >> need_time.attempts
        if tail -n 1 need_time.attempts | grep -q 00:01:00; then sleep 300; fi
        touch {output}
        """


rule ask_gpu:
    """Say which GPU and node the job has, while the other job has its own."""
    output:
        "ask_gpu_{name}.txt",
    resources:
        mem_mb=700,
        runtime=5,
    shell:
        """
        echo "${{CUDA_VISIBLE_DEVICES:-none}} $SLURMD_NODENAME" > ask_gpu_{wildcards.name}.here
        for _ in $(seq 180); do
            if [ -e ask_gpu_a.here ] && [ -e ask_gpu_b.here ]; then break; fi
            sleep 1
        done
        [ -e ask_gpu_a.here ] && [ -e ask_gpu_b.here ]
        cp ask_gpu_{wildcards.name}.here {output}
        """


rule endless:
    """Run until somebody ends it."""
    output:
        "endless.txt",
    resources:
        mem_mb=700,
        runtime=60,
    shell:
        "echo $$ > endless.pid; sleep 3600; touch {output}"
