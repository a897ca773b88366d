{
  'variables': {
    # 1: ASan and UBSan in our own code (scripts/build.mjs --sanitize).
    'sanitize%': '0',
    'warnings': ['-Wall', '-Wextra', '-Wshadow', '-Wno-unused-parameter', '-Wno-missing-field-initializers'],
  },
  'target_defaults': {
    'defines': ['SIMDJSON_EXCEPTIONS=0', 'NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
    'cflags_cc': ['-std=c++17', '-O3', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-O2'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
    'msvs_settings': {'VCCLCompilerTool': {'AdditionalOptions': ['/std:c++17', '/O2']}},
  },
  'targets': [
    {
      # Alone in a target: it takes most of a minute, and changes only with its npm package.
      'target_name': 'simdjson',
      'type': 'static_library',
      'sources': ['node_modules/@nozbe/simdjson/src/simdjson.cpp'],
      'include_dirs': ['node_modules/@nozbe/simdjson/src'],
      'cflags': ['-fPIC', '-w'],
    },
    {
      'target_name': 'ringwire',
      'dependencies': ['simdjson'],
      'sources': ['<!@(node scripts/native-sources.mjs)'],
      'include_dirs': [
        'native/src',
        'node_modules/@nozbe/simdjson/src',
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'cflags_cc': ['<@(warnings)'],
      'conditions': [
        ['sanitize==1', {
          'cflags_cc': ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
          'cflags_cc!': ['-O3'],
          'ldflags': ['-fsanitize=address,undefined'],
        }],
        # libstdc++ stays shared: node itself needs it, and the static one of a new compiler drags in symbols
        # of a new glibc. test/unit/binary.test.ts checks that nothing newer than Node 20's own needs is used.
        ['OS=="linux"', {
          'cflags_cc': ['-ffunction-sections', '-fdata-sections'],
          'ldflags': ['-Wl,--gc-sections', '-Wl,--as-needed', '-Wl,--exclude-libs,ALL', '-Wl,--version-script=<(module_root_dir)/native/exports.map'],
        }],
      ],
    },
  ],
}
