/**
 * C functions of libtensorflow with their prototypes, and the code that opens the two libraries.
 *
 * The prototypes are those of TensorFlow's `tensorflow/c/c_api.h`, `tf_tensor.h`, `tf_status.h`, `tf_tstring.h` and
 * `eager/c_api.h`. This file keeps no state and checks no status (see `runtime.ts`).
 *
 * @module
 */
import { typedCommand } from "../../error/command_line.ts";
import { UserError } from "../../error/user_error.ts";
import { LIBC } from "./libc.ts";

/** `RTLD_NOW` of dlfcn.h. */
const RTLD_NOW = 2;

/** `RTLD_NODELETE` and `RTLD_NOLOAD` of dlfcn.h, by system. */
const RTLD = { linux: { NODELETE: 0x1000, NOLOAD: 4 }, darwin: { NODELETE: 0x80, NOLOAD: 0x10 } } as const;

/** `typedef struct TF_Output { TF_Operation* oper; int index; } TF_Output;` passed by value. */
const TF_Output = { struct: ["pointer", "i32"] } as const;

/** Functions of `libtensorflow_framework`. */
export const FRAMEWORK_SYMBOLS = {
  /** `TF_Status* TF_NewStatus(void)` */
  TF_NewStatus: { parameters: [], result: "pointer" },
  /** `void TF_DeleteStatus(TF_Status*)` */
  TF_DeleteStatus: { parameters: ["pointer"], result: "void" },
  /** `TF_Code TF_GetCode(const TF_Status* s)` */
  TF_GetCode: { parameters: ["pointer"], result: "i32" },
  /** `const char* TF_Message(const TF_Status* s)` */
  TF_Message: { parameters: ["pointer"], result: "pointer" },
  /** `TF_Tensor* TF_AllocateTensor(TF_DataType, const int64_t* dims, int num_dims, size_t len)` */
  TF_AllocateTensor: { parameters: ["i32", "buffer", "i32", "usize"], result: "pointer" },
  /** `void TF_DeleteTensor(TF_Tensor*)` */
  TF_DeleteTensor: { parameters: ["pointer"], result: "void" },
  /** `void* TF_TensorData(const TF_Tensor*)` */
  TF_TensorData: { parameters: ["pointer"], result: "pointer" },
  /** `size_t TF_TensorByteSize(const TF_Tensor*)` */
  TF_TensorByteSize: { parameters: ["pointer"], result: "usize" },
  /** `void tsl::enable_tensor_float_32_execution(bool)`: C++, from `tsl/platform/tensor_float_32_utils.h`. */
  _ZN3tsl32enable_tensor_float_32_executionEb: { parameters: ["bool"], result: "void" },
  /** `bool tsl::tensor_float_32_execution_enabled()` */
  _ZN3tsl33tensor_float_32_execution_enabledEv: { parameters: [], result: "bool" },
  /** `void tsl::EnableOpDeterminism(bool)`: C++, from `tsl/util/determinism.h`. */
  _ZN3tsl19EnableOpDeterminismEb: { parameters: ["bool"], result: "void" },
  /** `bool tsl::OpDeterminismRequired()` */
  _ZN3tsl21OpDeterminismRequiredEv: { parameters: [], result: "bool" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Functions of `libtensorflow_cc`. */
export const CC_SYMBOLS = {
  /** `void xla::ParseDebugOptionFlagsFromEnv(bool reset_envvar)`: C++, from `xla/debug_options_flags.h`. Older builds lack it. */
  _ZN3xla28ParseDebugOptionFlagsFromEnvEb: { parameters: ["bool"], result: "void", optional: true },
  /** `const char* TF_Version(void)` */
  TF_Version: { parameters: [], result: "pointer" },

  /** `void TF_StringInit(TF_TString* t)` */
  TF_StringInit: { parameters: ["pointer"], result: "void" },
  /** `void TF_StringCopy(TF_TString* dst, const char* src, size_t size)` */
  TF_StringCopy: { parameters: ["pointer", "buffer", "usize"], result: "void" },
  /** `void TF_StringDealloc(TF_TString* tstr)` */
  TF_StringDealloc: { parameters: ["pointer"], result: "void" },
  /** `const char* TF_StringGetDataPointer(const TF_TString* tstr)` */
  TF_StringGetDataPointer: { parameters: ["pointer"], result: "pointer" },
  /** `size_t TF_StringGetSize(const TF_TString* tstr)` */
  TF_StringGetSize: { parameters: ["pointer"], result: "usize" },

  /** `TF_Buffer* TF_NewBuffer(void)` */
  TF_NewBuffer: { parameters: [], result: "pointer" },
  /** `void TF_DeleteBuffer(TF_Buffer*)` */
  TF_DeleteBuffer: { parameters: ["pointer"], result: "void" },
  /** `TF_Buffer TF_GetBuffer(TF_Buffer* buffer)`, a struct of data, length and a deallocator. */
  TF_GetBuffer: { parameters: ["pointer"], result: { struct: ["pointer", "usize", "pointer"] } },

  /** `TF_SessionOptions* TF_NewSessionOptions(void)` */
  TF_NewSessionOptions: { parameters: [], result: "pointer" },
  /** `void TF_DeleteSessionOptions(TF_SessionOptions*)` */
  TF_DeleteSessionOptions: { parameters: ["pointer"], result: "void" },
  /**
   * `TF_Session* TF_LoadSessionFromSavedModel(const TF_SessionOptions*, const TF_Buffer* run_options, const char*
   * export_dir, const char* const* tags, int tags_len, TF_Graph*, TF_Buffer* meta_graph_def, TF_Status*)`
   */
  TF_LoadSessionFromSavedModel: {
    parameters: ["pointer", "pointer", "buffer", "buffer", "i32", "pointer", "pointer", "pointer"],
    result: "pointer",
  },
  /**
   * `void TF_SessionRun(TF_Session*, const TF_Buffer* run_options, const TF_Output* inputs, TF_Tensor* const*
   * input_values, int ninputs, const TF_Output* outputs, TF_Tensor** output_values, int noutputs, const TF_Operation*
   * const* targets, int ntargets, TF_Buffer* run_metadata, TF_Status*)`
   */
  TF_SessionRun: {
    parameters: [
      ...["pointer", "pointer"] as const,
      ...["buffer", "buffer", "i32"] as const,
      ...["buffer", "buffer", "i32"] as const,
      ...["pointer", "i32", "pointer", "pointer"] as const,
    ],
    result: "void",
  },
  /** `void TF_CloseSession(TF_Session*, TF_Status* status)` */
  TF_CloseSession: { parameters: ["pointer", "pointer"], result: "void" },
  /** `void TF_DeleteSession(TF_Session*, TF_Status* status)` */
  TF_DeleteSession: { parameters: ["pointer", "pointer"], result: "void" },
  /** `TF_Operation* TF_GraphOperationByName(TF_Graph* graph, const char* oper_name)` */
  TF_GraphOperationByName: { parameters: ["pointer", "buffer"], result: "pointer" },

  /** `TFE_ContextOptions* TFE_NewContextOptions(void)` */
  TFE_NewContextOptions: { parameters: [], result: "pointer" },
  /** `void TFE_ContextOptionsSetConfig(TFE_ContextOptions*, const void* proto, size_t len, TF_Status*)` */
  TFE_ContextOptionsSetConfig: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "void" },
  /** `void TFE_DeleteContextOptions(TFE_ContextOptions*)` */
  TFE_DeleteContextOptions: { parameters: ["pointer"], result: "void" },
  /** `TFE_Context* TFE_NewContext(const TFE_ContextOptions* opts, TF_Status* status)` */
  TFE_NewContext: { parameters: ["pointer", "pointer"], result: "pointer" },
  /** `TF_DeviceList* TFE_ContextListDevices(TFE_Context* ctx, TF_Status* status)` */
  TFE_ContextListDevices: { parameters: ["pointer", "pointer"], result: "pointer" },
  /** `int TF_DeviceListCount(const TF_DeviceList* list)` */
  TF_DeviceListCount: { parameters: ["pointer"], result: "i32" },
  /** `const char* TF_DeviceListName(const TF_DeviceList* list, int index, TF_Status*)` */
  TF_DeviceListName: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  /** `const char* TF_DeviceListType(const TF_DeviceList* list, int index, TF_Status*)` */
  TF_DeviceListType: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  /** `void TF_DeleteDeviceList(TF_DeviceList* list)` */
  TF_DeleteDeviceList: { parameters: ["pointer"], result: "void" },
  /** `void TFE_DeleteContext(TFE_Context* ctx)` */
  TFE_DeleteContext: { parameters: ["pointer"], result: "void" },
  /** `void TFE_ContextAddFunction(TFE_Context* ctx, TF_Function* function, TF_Status* status)` */
  TFE_ContextAddFunction: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  /** `void TFE_ContextRemoveFunction(TFE_Context* ctx, const char* name, TF_Status* status)` */
  TFE_ContextRemoveFunction: { parameters: ["pointer", "buffer", "pointer"], result: "void" },

  /** `TFE_Op* TFE_NewOp(TFE_Context* ctx, const char* op_or_function_name, TF_Status* status)` */
  TFE_NewOp: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
  /** `void TFE_DeleteOp(TFE_Op* op)` */
  TFE_DeleteOp: { parameters: ["pointer"], result: "void" },
  /** `void TFE_OpAddInput(TFE_Op* op, TFE_TensorHandle* input, TF_Status* status)` */
  TFE_OpAddInput: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  /** `void TFE_OpAddInputList(TFE_Op* op, TFE_TensorHandle** inputs, int num_inputs, TF_Status* status)` */
  TFE_OpAddInputList: { parameters: ["pointer", "buffer", "i32", "pointer"], result: "void" },
  /** `void TFE_OpSetAttrType(TFE_Op* op, const char* attr_name, TF_DataType value)` */
  TFE_OpSetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrTypeList(TFE_Op*, const char*, const TF_DataType* values, int num_values)` */
  TFE_OpSetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrBool(TFE_Op* op, const char* attr_name, unsigned char value)` */
  TFE_OpSetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  /** `void TFE_OpSetAttrBoolList(TFE_Op*, const char*, const unsigned char* values, int num_values)` */
  TFE_OpSetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrInt(TFE_Op* op, const char* attr_name, int64_t value)` */
  TFE_OpSetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  /** `void TFE_OpSetAttrIntList(TFE_Op*, const char*, const int64_t* values, int num_values)` */
  TFE_OpSetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrFloat(TFE_Op* op, const char* attr_name, float value)` */
  TFE_OpSetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  /** `void TFE_OpSetAttrFloatList(TFE_Op*, const char*, const float* values, int num_values)` */
  TFE_OpSetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrString(TFE_Op*, const char* attr_name, const void* value, size_t length)` */
  TFE_OpSetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  /** `void TFE_OpSetAttrStringList(TFE_Op*, const char*, const void* const* values, const size_t* lengths, int)` */
  TFE_OpSetAttrStringList: { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TFE_OpSetAttrShape(TFE_Op*, const char*, const int64_t* dims, const int num_dims, TF_Status*)` */
  TFE_OpSetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32", "pointer"], result: "void" },
  /** `void TFE_OpSetAttrValueProto(const TFE_Op*, const char* name, const void* proto, size_t len, TF_Status*)` */
  TFE_OpSetAttrValueProto: {
    parameters: ["pointer", "buffer", "buffer", "usize", "pointer"],
    result: "void",
  },
  /** `void TFE_OpSetAttrFunctionName(TFE_Op*, const char* attr_name, const char* data, size_t length)` */
  TFE_OpSetAttrFunctionName: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  /** `void TFE_Execute(TFE_Op* op, TFE_TensorHandle** retvals, int* num_retvals, TF_Status* status)` */
  TFE_Execute: { parameters: ["pointer", "buffer", "buffer", "pointer"], result: "void" },

  /** `TFE_TensorHandle* TFE_NewTensorHandle(const TF_Tensor* t, TF_Status* status)` */
  TFE_NewTensorHandle: { parameters: ["pointer", "pointer"], result: "pointer" },
  /** `void TFE_DeleteTensorHandle(TFE_TensorHandle* h)` */
  TFE_DeleteTensorHandle: { parameters: ["pointer"], result: "void" },
  /** `TF_DataType TFE_TensorHandleDataType(TFE_TensorHandle* h)` */
  TFE_TensorHandleDataType: { parameters: ["pointer"], result: "i32" },
  /** `int TFE_TensorHandleNumDims(TFE_TensorHandle* h, TF_Status* status)` */
  TFE_TensorHandleNumDims: { parameters: ["pointer", "pointer"], result: "i32" },
  /** `int64_t TFE_TensorHandleDim(TFE_TensorHandle* h, int dim_index, TF_Status* status)` */
  TFE_TensorHandleDim: { parameters: ["pointer", "i32", "pointer"], result: "i64" },
  /** `TF_Tensor* TFE_TensorHandleResolve(TFE_TensorHandle* h, TF_Status* status)` */
  TFE_TensorHandleResolve: { parameters: ["pointer", "pointer"], result: "pointer" },
  /** `TFE_TensorHandle* TFE_TensorHandleCopySharingTensor(TFE_TensorHandle* h, TF_Status* status)` */
  TFE_TensorHandleCopySharingTensor: { parameters: ["pointer", "pointer"], result: "pointer" },

  /** `TF_Graph* TF_NewGraph(void)` */
  TF_NewGraph: { parameters: [], result: "pointer" },
  /** `void TF_DeleteGraph(TF_Graph*)` */
  TF_DeleteGraph: { parameters: ["pointer"], result: "void" },
  /** `void TF_GraphGetOpDef(TF_Graph* graph, const char* op_name, TF_Buffer* output_op_def, TF_Status* status)` */
  TF_GraphGetOpDef: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },
  /** `TF_OperationDescription* TF_NewOperation(TF_Graph*, const char* op_type, const char* oper_name)` */
  TF_NewOperation: { parameters: ["pointer", "buffer", "buffer"], result: "pointer" },
  /** `void TF_AddInput(TF_OperationDescription* desc, TF_Output input)` */
  TF_AddInput: { parameters: ["pointer", TF_Output], result: "void" },
  /** `void TF_AddInputList(TF_OperationDescription* desc, const TF_Output* inputs, int num_inputs)` */
  TF_AddInputList: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrType(TF_OperationDescription* desc, const char* attr_name, TF_DataType value)` */
  TF_SetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrTypeList(TF_OperationDescription*, const char*, const TF_DataType* values, int)` */
  TF_SetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrBool(TF_OperationDescription* desc, const char* attr_name, unsigned char value)` */
  TF_SetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  /** `void TF_SetAttrBoolList(TF_OperationDescription*, const char*, const unsigned char* values, int)` */
  TF_SetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrInt(TF_OperationDescription* desc, const char* attr_name, int64_t value)` */
  TF_SetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  /** `void TF_SetAttrIntList(TF_OperationDescription*, const char*, const int64_t* values, int)` */
  TF_SetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrFloat(TF_OperationDescription* desc, const char* attr_name, float value)` */
  TF_SetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  /** `void TF_SetAttrFloatList(TF_OperationDescription*, const char*, const float* values, int)` */
  TF_SetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrString(TF_OperationDescription*, const char*, const void* value, size_t length)` */
  TF_SetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  /** `void TF_SetAttrStringList(TF_OperationDescription*, const char*, const void* const*, const size_t*, int)` */
  TF_SetAttrStringList: { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrShape(TF_OperationDescription*, const char*, const int64_t* dims, int num_dims)` */
  TF_SetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  /** `void TF_SetAttrValueProto(TF_OperationDescription*, const char* name, const void* proto, size_t len, TF_Status*)` */
  TF_SetAttrValueProto: { parameters: ["pointer", "buffer", "buffer", "usize", "pointer"], result: "void" },
  /** `void TF_SetAttrFuncName(TF_OperationDescription*, const char*, const char* value, size_t length)` */
  TF_SetAttrFuncName: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  /** `void TF_SetAttrTensor(TF_OperationDescription*, const char*, TF_Tensor* value, TF_Status* status)` */
  TF_SetAttrTensor: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },
  /** `TF_Operation* TF_FinishOperation(TF_OperationDescription* desc, TF_Status* status)` */
  TF_FinishOperation: { parameters: ["pointer", "pointer"], result: "pointer" },
  /** `int TF_OperationNumOutputs(TF_Operation* oper)` */
  TF_OperationNumOutputs: { parameters: ["pointer"], result: "i32" },
  /** `TF_DataType TF_OperationOutputType(TF_Output oper_out)` */
  TF_OperationOutputType: { parameters: [TF_Output], result: "i32" },
  /** `int TF_GraphGetTensorNumDims(TF_Graph* graph, TF_Output output, TF_Status* status)` */
  TF_GraphGetTensorNumDims: { parameters: ["pointer", TF_Output, "pointer"], result: "i32" },
  /** `void TF_GraphGetTensorShape(TF_Graph*, TF_Output output, int64_t* dims, int num_dims, TF_Status*)` */
  TF_GraphGetTensorShape: { parameters: ["pointer", TF_Output, "buffer", "i32", "pointer"], result: "void" },
  /** `void TF_GraphSetTensorShape(TF_Graph*, TF_Output output, const int64_t* dims, const int num_dims, TF_Status*)` */
  TF_GraphSetTensorShape: { parameters: ["pointer", TF_Output, "buffer", "i32", "pointer"], result: "void" },
  /**
   * `TF_Function* TF_GraphToFunction(const TF_Graph* fn_body, const char* fn_name, unsigned char append_hash,
   * int num_opers, const TF_Operation* const* opers, int ninputs, const TF_Output* inputs, int noutputs,
   * const TF_Output* outputs, const char* const* output_names, const TF_FunctionOptions* opts,
   * const char* description, TF_Status* status)`
   */
  TF_GraphToFunction: {
    parameters: [
      "pointer",
      "buffer",
      "u8",
      "i32",
      "buffer",
      "i32",
      "buffer",
      "i32",
      "buffer",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
    ],
    result: "pointer",
  },
  /** `void TF_DeleteFunction(TF_Function* func)` */
  TF_DeleteFunction: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * The two open libraries. They are never closed, because TensorFlow's threads run until the process ends.
 *
 * @internal
 */
export interface Libraries {
  /** Functions for statuses and tensors. */
  framework: Deno.StaticForeignLibraryInterface<typeof FRAMEWORK_SYMBOLS>;
  /** All other functions. */
  cc: Deno.StaticForeignLibraryInterface<typeof CC_SYMBOLS>;
  /**
   * True if this call loaded the libraries into the process. False if another thread of the process had loaded them.
   */
  isFirst: boolean;
}

/**
 * Opens libtensorflow's two libraries. The framework library is opened first, because the other library needs its
 * symbols.
 *
 * @param paths Paths of the two libraries.
 * @throws {UserError} If a library cannot be opened. The message has the loader's reason.
 */
export function openLibraries(paths: { framework: string; cc: string }): Libraries {
  const open = <S extends Deno.ForeignLibraryInterface>(path: string, symbols: S) => {
    try {
      return Deno.dlopen(path, symbols).symbols;
    } catch (cause) {
      throw new UserError(
        `Cannot open TensorFlow's library: expected libtensorflow 2.16 or later for this machine at ${path}, ` +
          `got the loader's error "${cause instanceof Error ? cause.message : cause}". ` +
          `Run \`${
            typedCommand("setup")
          }\` to fetch it again, or set LOSSKIT_LIBTENSORFLOW to a folder with another.`,
        { cause },
      );
    }
  };
  const isFirst = !isLoaded(paths.framework);
  const framework = open(paths.framework, FRAMEWORK_SYMBOLS);
  const cc = open(paths.cc, CC_SYMBOLS);
  for (const path of [paths.framework, paths.cc]) keepLoaded(path);
  return { framework, cc, isFirst };
}

/** Returns true if this process has loaded a library before. */
function isLoaded(path: string): boolean {
  return dlopen(path, "NOLOAD");
}

/**
 * Keeps a library loaded until the process ends. Deno unloads its libraries at the end of the program, while
 * TensorFlow's threads still run their code. Without this call, the process would end with a segmentation fault.
 */
function keepLoaded(path: string): void {
  dlopen(path, "NODELETE");
}

/** Calls the C library's `dlopen`. Returns true if the call succeeded. */
function dlopen(path: string, flag: "NODELETE" | "NOLOAD"): boolean {
  const os = Deno.build.os as keyof typeof LIBC;
  if (LIBC[os] === undefined) return false;
  const library = Deno.dlopen(LIBC[os], {
    /** `void* dlopen(const char* path, int flags)` */
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  });
  const handle = library.symbols.dlopen(new TextEncoder().encode(`${path}\0`), RTLD_NOW | RTLD[os][flag]);
  library.close();
  return handle !== null;
}
