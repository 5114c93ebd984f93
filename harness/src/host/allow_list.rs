//! The functions that a filter may import and export.
//!
//! A host that lacks one import does not load the module at all. Each import leads out of the sandbox, and the host calls
//! each exported entry point. A new one is therefore a decision made here, not a side effect of a dependency.

/// Imports of module `env`: those that the proxy-wasm SDK 0.2.5 names.
pub const ENV: [&str; 37] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// Imports of module `wasi_snapshot_preview1`: the standard library needs them for panics, hash seeds and the clock.
pub const WASI: [&str; 6] =
    ["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Exports that must be there. A host skips a callback that it does not find, and so would let the traffic pass; those of
/// connections matter where the filter is configured for TCP by mistake.
pub const REQUIRED_EXPORTS: [&str; 17] = [
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_downstream_data",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_new_connection",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_upstream_data",
    "proxy_on_vm_start",
];

/// Further exports that the filter uses. A host calls every entry point that it finds, and some of the SDK's panic: the
/// last step of the link (`filter/link`) drops the rest.
pub const OTHER_EXPORTS: [&str; 2] = ["_initialize", "proxy_on_tick"];

/// Whether a filter may export this.
pub fn allows_export(name: &str) -> bool {
    REQUIRED_EXPORTS.contains(&name) || OTHER_EXPORTS.contains(&name)
}

/// Whether a filter may import this.
pub fn allows(module: &str, name: &str) -> bool {
    match module {
        "env" => ENV.contains(&name),
        "wasi_snapshot_preview1" => WASI.contains(&name),
        _ => false,
    }
}
