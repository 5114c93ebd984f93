//! What a filter may import: what Envoy offers, and of that only what Toolward has a use for.
//!
//! A host that lacks one import does not load the module at all, and each import is a door out of the sandbox: a new
//! one is a decision that is made here, not a side effect of a dependency.

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

/// Imports of module `wasi_snapshot_preview1`: what the standard library wants for panics, hash seeds and the clock.
pub const WASI: [&str; 6] =
    ["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Exports that must be there: without one of the request callbacks the filter would be skipped in silence.
pub const REQUIRED_EXPORTS: [&str; 16] = [
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_http_call_response",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_vm_start",
];

/// Whether a filter may import this.
pub fn allows(module: &str, name: &str) -> bool {
    match module {
        "env" => ENV.contains(&name),
        "wasi_snapshot_preview1" => WASI.contains(&name),
        _ => false,
    }
}
