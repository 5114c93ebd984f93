//! The hostcalls: from numbers and addresses to [`HostState`](crate::host::HostState)'s methods and back.

use super::StoreData;
use super::memory::{Failure, give, read, write};
use crate::host::abi::{self, BufferType, LogLevel, MapType, Status, StreamType};
use crate::host::host_state::Fault;
use crate::host::stream::LocalReply;
use wasmtime::{Caller, Linker};

fn finish(outcome: Result<(), Failure>) -> wasmtime::Result<u32> {
    match outcome {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Failure::Status(status)) => Ok(status as u32),
        Err(Failure::Trap(error)) => Err(error),
    }
}

/// Declares hostcalls of module `env`. Each one first asks whether a hostile host does something else.
macro_rules! hostcalls {
    ($linker:ident: $($name:ident($caller:ident $(, $argument:ident)*) $body:block)+) => {$(
        $linker.func_wrap("env", stringify!($name), |mut $caller: Caller<'_, StoreData> $(, $argument: u32)*| {
            if let Some(Fault::Status(status)) = $caller.data().host.faults.get(stringify!($name)) {
                return Ok(*status);
            }
            let run = |$caller: &mut Caller<'_, StoreData>| -> Result<(), Failure> { $body };
            finish(run(&mut $caller))
        })?;
    )+};
}

/// The result of a hostcall, or the false result of a hostile host.
fn result(caller: &Caller<'_, StoreData>, hostcall: &str, honest: Vec<u8>) -> Vec<u8> {
    match caller.data().host.faults.get(hostcall) {
        Some(Fault::Result(bytes)) => bytes.clone(),
        _ => honest,
    }
}

/// Adds the hostcalls.
pub(super) fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    link_streams(linker)?;
    link_maps(linker)?;
    link_calls(linker)?;
    link_stores(linker)?;
    link_basics(linker)
}

fn link_streams(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    hostcalls! { linker:
        proxy_get_buffer_bytes(caller, buffer, start, length, address_out, length_out) {
            let buffer = BufferType::from_number(buffer).map_err(|_| Status::NotFound)?;
            let bytes = caller.data_mut().host.buffer(buffer)?;
            // There are no bytes past the end; a length that is too long is cut.
            let start = (start as usize).min(bytes.len());
            let end = start.saturating_add(length as usize).min(bytes.len());
            let part = bytes.get(start..end).unwrap_or_default().to_vec();
            let part = result(caller, "proxy_get_buffer_bytes", part);
            give(caller, &part, address_out, length_out)
        }
        proxy_set_buffer_bytes(caller, buffer, start, length, address, size) {
            let value = read(caller, address, size)?;
            let buffer = BufferType::from_number(buffer)?;
            Ok(caller.data_mut().host.set_buffer(buffer, start as usize, length as usize, &value)?)
        }
        proxy_continue_stream(caller, side) {
            Ok(caller.data_mut().host.continue_stream(StreamType::from_number(side)?)?)
        }
        proxy_close_stream(caller, side) {
            Ok(caller.data_mut().host.close_stream(StreamType::from_number(side)?)?)
        }
        proxy_send_local_response(
            caller, status, details_at, details_size, body_at, body_size, headers_at, headers_size, _grpc_status
        ) {
            let details = read(caller, details_at, details_size)?;
            let reply = LocalReply {
                status: u16::try_from(status).map_err(|_| Status::BadArgument)?,
                details: String::from_utf8_lossy(&details).into_owned(),
                body: read(caller, body_at, body_size)?,
                headers: abi::read_pairs(&read(caller, headers_at, headers_size)?)?,
            };
            Ok(caller.data_mut().host.send_local_reply(reply)?)
        }
        proxy_get_property(caller, path_at, path_size, address_out, length_out) {
            let path = abi::read_path(&read(caller, path_at, path_size)?)?;
            let value = caller.data_mut().host.property(&path)?;
            let value = result(caller, "proxy_get_property", value);
            give(caller, &value, address_out, length_out)
        }
        proxy_set_property(caller, path_at, path_size, value_at, value_size) {
            let path = abi::read_path(&read(caller, path_at, path_size)?)?;
            let value = read(caller, value_at, value_size)?;
            Ok(caller.data_mut().host.set_property(&path, &value)?)
        }
        proxy_set_effective_context(caller, context) {
            Ok(caller.data_mut().host.set_effective_context(context)?)
        }
        proxy_done(caller) {
            Ok(caller.data_mut().host.stream().map(|_| ())?)
        }
    }
    Ok(())
}

fn link_maps(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    hostcalls! { linker:
        proxy_get_header_map_pairs(caller, map, address_out, length_out) {
            let pairs = caller.data_mut().host.map_pairs(MapType::from_number(map)?)?;
            let pairs = result(caller, "proxy_get_header_map_pairs", pairs);
            give(caller, &pairs, address_out, length_out)
        }
        proxy_set_header_map_pairs(caller, map, address, size) {
            let fields = abi::read_pairs(&read(caller, address, size)?)?;
            *caller.data_mut().host.map(MapType::from_number(map)?)? = fields;
            Ok(())
        }
        proxy_get_header_map_value(caller, map, name_at, name_size, address_out, length_out) {
            let name = read(caller, name_at, name_size)?;
            let value = caller.data_mut().host.map_value(MapType::from_number(map)?, &name)?;
            let value = result(caller, "proxy_get_header_map_value", value);
            give(caller, &value, address_out, length_out)
        }
        proxy_add_header_map_value(caller, map, name_at, name_size, value_at, value_size) {
            let (name, value) = (read(caller, name_at, name_size)?, read(caller, value_at, value_size)?);
            Ok(caller.data_mut().host.add(MapType::from_number(map)?, &name, &value)?)
        }
        proxy_replace_header_map_value(caller, map, name_at, name_size, value_at, value_size) {
            let (name, value) = (read(caller, name_at, name_size)?, read(caller, value_at, value_size)?);
            Ok(caller.data_mut().host.replace(MapType::from_number(map)?, &name, &value)?)
        }
        proxy_remove_header_map_value(caller, map, name_at, name_size) {
            let name = read(caller, name_at, name_size)?;
            Ok(caller.data_mut().host.remove(MapType::from_number(map)?, &name)?)
        }
    }
    Ok(())
}

fn link_calls(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    hostcalls! { linker:
        proxy_http_call(
            caller, cluster_at, cluster_size, headers_at, headers_size, body_at, body_size, _trailers_at,
            _trailers_size, timeout, token_out
        ) {
            let cluster = read(caller, cluster_at, cluster_size)?;
            let headers = abi::read_pairs(&read(caller, headers_at, headers_size)?)?;
            let body = read(caller, body_at, body_size)?;
            let token = caller.data_mut().host.http_call(&cluster, headers, body, timeout)?;
            write(caller, token_out, &token.to_le_bytes())
        }
        proxy_call_foreign_function(caller, name_at, name_size, argument_at, argument_size, address_out, length_out) {
            let name = read(caller, name_at, name_size)?;
            let argument = read(caller, argument_at, argument_size)?;
            let out = caller.data_mut().host.call_foreign_function(&name, &argument)?;
            let out = result(caller, "proxy_call_foreign_function", out);
            give(caller, &out, address_out, length_out)
        }
        // gRPC is not part of this host: Toolward speaks HTTP.
        proxy_grpc_call(_caller, _a, _b, _c, _d, _e, _f, _g, _h, _i, _j, _k, _l) { Err(Status::Unimplemented.into()) }
        proxy_grpc_stream(_caller, _a, _b, _c, _d, _e, _f, _g, _h, _i) { Err(Status::Unimplemented.into()) }
        proxy_grpc_send(_caller, _a, _b, _c, _d) { Err(Status::Unimplemented.into()) }
        proxy_grpc_cancel(_caller, _a) { Err(Status::Unimplemented.into()) }
        proxy_grpc_close(_caller, _a) { Err(Status::Unimplemented.into()) }
        proxy_get_status(caller, code_out, address_out, length_out) {
            write(caller, code_out, &[0; 4])?;
            give(caller, &[], address_out, length_out)
        }
    }
    Ok(())
}

fn link_stores(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    hostcalls! { linker:
        proxy_get_shared_data(caller, key_at, key_size, address_out, length_out, cas_out) {
            let key = read(caller, key_at, key_size)?;
            let (value, cas) = caller.data().host.shared.get(&key)?;
            let value = result(caller, "proxy_get_shared_data", value);
            give(caller, &value, address_out, length_out)?;
            write(caller, cas_out, &cas.to_le_bytes())
        }
        proxy_set_shared_data(caller, key_at, key_size, value_at, value_size, cas) {
            let (key, value) = (read(caller, key_at, key_size)?, read(caller, value_at, value_size)?);
            Ok(caller.data().host.shared.set(&key, &value, cas)?)
        }
        proxy_register_shared_queue(caller, name_at, name_size, id_out) {
            let name = read(caller, name_at, name_size)?;
            let id = caller.data_mut().host.queues.register(&name);
            write(caller, id_out, &id.to_le_bytes())
        }
        proxy_resolve_shared_queue(caller, _vm_at, _vm_size, name_at, name_size, id_out) {
            let name = read(caller, name_at, name_size)?;
            let id = caller.data().host.queues.resolve(&name)?;
            write(caller, id_out, &id.to_le_bytes())
        }
        proxy_dequeue_shared_queue(caller, id, address_out, length_out) {
            let value = caller.data_mut().host.queues.pop(id)?;
            give(caller, &value, address_out, length_out)
        }
        proxy_enqueue_shared_queue(caller, id, value_at, value_size) {
            let value = read(caller, value_at, value_size)?;
            Ok(caller.data_mut().host.queues.push(id, value)?)
        }
        proxy_define_metric(caller, kind, name_at, name_size, id_out) {
            let name = read(caller, name_at, name_size)?;
            let id = caller.data_mut().host.define_metric(kind, &name)?;
            write(caller, id_out, &id.to_le_bytes())
        }
        proxy_get_metric(caller, id, value_out) {
            let value = caller.data_mut().host.metrics.get(id)?;
            write(caller, value_out, &value.to_le_bytes())
        }
    }
    // These two take 64-bit values.
    linker.func_wrap(
        "env",
        "proxy_record_metric",
        |mut caller: Caller<'_, StoreData>, id: u32, value: u64| match caller
            .data()
            .host
            .faults
            .get("proxy_record_metric")
        {
            Some(Fault::Status(status)) => Ok(*status),
            _ => finish(caller.data_mut().host.metrics.record(id, value).map_err(Failure::from)),
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_increment_metric",
        |mut caller: Caller<'_, StoreData>, id: u32, by: i64| match caller
            .data()
            .host
            .faults
            .get("proxy_increment_metric")
        {
            Some(Fault::Status(status)) => Ok(*status),
            _ => finish(caller.data_mut().host.metrics.increment(id, by).map_err(Failure::from)),
        },
    )?;
    Ok(())
}

fn link_basics(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    hostcalls! { linker:
        proxy_log(caller, level, text_at, text_size) {
            let text = read(caller, text_at, text_size)?;
            caller.data_mut().host.log(LogLevel::from_number(level)?, &text);
            Ok(())
        }
        proxy_get_log_level(caller, level_out) {
            let level = caller.data().host.log_level as u32;
            write(caller, level_out, &level.to_le_bytes())
        }
        proxy_get_current_time_nanoseconds(caller, time_out) {
            let now = caller.data().host.now_ns;
            write(caller, time_out, &now.to_le_bytes())
        }
        proxy_set_tick_period_milliseconds(caller, period) {
            caller.data_mut().host.tick_period_ms = period;
            Ok(())
        }
    }
    Ok(())
}
