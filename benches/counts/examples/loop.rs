fn main() {
    let target = mirrorm_counts_target();
    for _ in 0..300_000 { std::hint::black_box(run(&target)); }
}
